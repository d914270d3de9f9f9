"""Records that are said to be gone are left out of daily."""

from qol.transform.daily_rows import daily
from qol.transform.deletions import without_deleted

from .builders import MEASUREMENTS, Row, contract_of, contracts_of, records

STEPS = contract_of(MEASUREMENTS, "daily: {steps: {value: value, over: sum}}")
WORKOUTS = contract_of(MEASUREMENTS, "{record: workouts, daily: {distance_m: {value: value, over: sum}}}")
DELETED = contract_of(
    """
    source: phone
    record: deleted
    key: [gone]
    fields: {gone: {path: uuid, type: document_id, description: What is gone.}}
    deletes: {records: [measurements], field: uuid, by: gone}
    """
)
CONTRACTS = contracts_of(STEPS, WORKOUTS, DELETED)


def a_step(uuid: str | None, user: str = "p1") -> Row:
    return {"uuid": uuid, "user_id": user, "value": 10.0}


def left(measurements: list[Row], deleted: list[Row]) -> list[tuple[str, str]]:
    frames = {"phone_measurements": records(STEPS, measurements), "phone_deleted": records(DELETED, deleted)}
    found = without_deleted(CONTRACTS, frames, frames)
    assert list(found) == ["phone_measurements"]
    return list(found["phone_measurements"].select("user_id", "uuid").iter_rows())


def test_what_a_deletion_names_is_left_out_and_the_order_of_the_others_stays() -> None:
    steps = [a_step("c"), a_step("a"), a_step("b"), a_step(None)]
    assert left(steps, [{"gone": "a"}, {"gone": "other"}, {"gone": None}]) == [("p1", "c"), ("p1", "b"), ("p1", None)]
    assert len(left(steps, [])) == 4


def test_a_deletion_is_about_its_own_person_and_the_record_types_it_names() -> None:
    assert left([a_step("a", "p1"), a_step("a", "p2")], [{"gone": "a", "user_id": "p2"}]) == [("p1", "a")]
    frames = {"phone_workouts": records(WORKOUTS, [a_step("a")]), "phone_deleted": records(DELETED, [{"gone": "a"}])}
    assert without_deleted(CONTRACTS, frames, frames)["phone_workouts"].height == 1


def test_deletions_of_all_weeks_count_and_are_no_days_of_their_own() -> None:
    measured = {"phone_measurements": records(STEPS, [a_step("a"), a_step("b")])}
    deletions = {"phone_deleted": records(DELETED, [{"gone": "a"}]).select("user_id", "gone")}
    assert daily(CONTRACTS, measured, deletions)["steps"].to_list() == [10]
    assert daily(CONTRACTS, {"phone_deleted": records(DELETED, [{"gone": "a"}])}, deletions).height == 0
