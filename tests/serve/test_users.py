"""Users have a status; an erased person has no access from the moment they ask, and nothing of theirs stays."""

import time
from pathlib import Path

import pytest

from qol.identity.erasures import Tombstone, write_tombstone
from qol.people.erase import Erasure
from qol.serve.erased_rows import ROUND_SECONDS, purge_erased
from qol.serve.erasing import erase_pending
from qol.serve.goal_events import DEAD
from qol.serve.work import work_once
from tests.serve.phones import NOON, SUMMARY, Api, steps
from tests.serve.test_devices_and_feeds import METRICS
from tests.serve.test_goals import STEPS

PATCH = {"Content-Type": "application/merge-patch+json"}


def test_an_admin_adds_lists_suspends_and_lets_in_again(api: Api) -> None:
    admin = api.key("users:admin")
    added = api.client.post("/v1/users", json={"subject": "v-anna"}, headers=admin)
    assert (added.status_code, added.json()) == (201, {"user_id": "P-anna", "status": "active"})
    assert added.headers["Location"] == "/v1/users/P-anna"
    assert api.client.post("/v1/users", json={"subject": "v-anna"}, headers=admin).status_code == 409
    assert api.client.get("/v1/users/P-anna", headers=admin).json() == {"user_id": "P-anna", "status": "active"}
    assert api.client.get("/v1/users", headers=admin).json()["items"] == [{"user_id": "P-anna", "status": "active"}]
    assert api.client.get("/v1/users/P-zoe", headers=admin).status_code == 404
    suspend = api.client.patch("/v1/users/P-anna", content=b'{"status": "suspended"}', headers=admin | PATCH)
    assert suspend.json()["status"] == "suspended"
    assert api.summary("v-anna").status_code == 403
    stale = api.client.patch(
        "/v1/users/P-anna", content=b'{"status": "active"}', headers=admin | PATCH | {"If-Match": '"1"'}
    )
    assert stale.status_code == 412
    wrong = api.client.patch("/v1/users/P-anna", content=b'{"status": "erased"}', headers=admin | PATCH)
    assert wrong.status_code == 422
    api.client.patch("/v1/users/P-anna", content=b'{"status": "active"}', headers=admin | PATCH)
    assert api.summary("v-anna").status_code == 200


def traces(lake: Path, *texts: bytes) -> list[str]:
    """Files of the lake and its state that hold any of the texts."""
    files = (path for path in lake.rglob("*") if path.is_file())
    return [str(path.relative_to(lake)) for path in files if any(text in path.read_bytes() for text in texts)]


def test_who_asks_for_erasure_has_no_access_at_once_and_learns_what_was_removed_where(api: Api) -> None:
    mine = api.token("v-anna")
    api.client.put("/v1/goals/walk", json=STEPS, headers=mine)
    api.post("v-anna", steps(500, 7))
    assert api.client.delete("/v1/users/P-ben", headers=mine).status_code == 403
    answer = api.client.delete("/v1/users/me", headers=mine)
    assert answer.status_code == 202
    for path in (SUMMARY, "/v1/goals", "/v1/measurements/anomalies"):
        assert api.client.get(path, headers=mine).status_code == 403
    assert api.post("v-anna", steps(1, 9)).status_code == 403
    found = api.client.get(answer.headers["Location"], headers=mine).json()
    assert found["status"] == "done"
    removed = {one["place"]: one["removed"] for one in found["places"] if one["removed"]}
    assert (
        removed.items()
        >= {"state: goals": 1, "state: events": 1, "lake: raw items": 8, "lake: daily_metrics": 7}.items()
    )
    assert api.client.get(answer.headers["Location"], headers=api.token("P-ben")).status_code == 403
    assert api.client.get(answer.headers["Location"], headers=api.key("users:admin")).status_code == 200
    for named in ("v-anna", "P-anna"):
        assert api.summary(named).status_code == 403
        assert api.client.get(answer.headers["Location"], headers=api.token(named)).status_code == 200
        again = api.client.post("/v1/users", json={"subject": named}, headers=api.key("users:admin"))
        assert again.status_code == 409
    assert traces(api.lake, b"v-anna", b"P-anna", b"g-anna") == []
    assert api.summary("P-ben").status_code == 200


def test_who_leaves_takes_the_readings_of_their_time_with_a_device_and_no_one_elses(api: Api) -> None:
    admin, device = api.key("users:admin"), api.key("devices:read", "devices:write")
    with (api.lake / "user_map.jsonl").open("a") as file:
        file.write('{"source": "sensor", "vendor_user_id": "room-1", "user_id": "P-anna", "to": "2026-11-16"}\n')
        file.write('{"source": "sensor", "vendor_user_id": "room-1", "user_id": "P-ben", "from": "2026-11-17"}\n')
        file.write('{"source": "sensor", "vendor_user_id": "room-2", "user_id": "P-anna"}\n')
    of_anna, of_ben = {"timestamp": 1_794_787_000}, {"timestamp": 1_794_960_000}  # on the 16th and the 18th
    room_2 = METRICS.replace("room-1", "room-2")
    api.client.post(METRICS, json={"readings": [of_anna, of_ben]}, headers=device)
    api.client.post(room_2, json={"readings": [of_anna, of_ben]}, headers=device)
    with api.service.lake.lock("a run"):
        answer = api.client.delete("/v1/users/P-anna", headers=admin)
        begun = api.client.get(answer.headers["Location"], headers=admin).json()
        assert api.client.get(METRICS, headers=device).json()["items"] == [of_ben]
        assert api.client.get(room_2, headers=device).status_code == 404
    assert {one["place"]: one["removed"] for one in begun["places"]}["state: readings"] == 3


def test_while_a_run_holds_the_lock_an_erasure_waits_and_access_ends_all_the_same(api: Api) -> None:
    admin = api.key("users:admin")
    with api.service.lake.lock("a run"):
        answer = api.client.delete("/v1/users/P-anna", headers=admin)
        assert answer.status_code == 202
        assert api.client.get(answer.headers["Location"], headers=admin).json()["status"] == "pending"
        assert api.summary("v-anna").status_code == 403
    assert erase_pending(api.service) == 1
    assert api.client.get(answer.headers["Location"], headers=admin).json()["status"] == "done"
    assert api.client.delete("/v1/users/P-zoe", headers=admin).status_code == 404


def test_an_erasure_on_the_command_line_ends_access_too_and_a_lifted_one_lets_in_again(api: Api) -> None:
    people = api.service.participants.people()
    erasure = Erasure(api.service.lake, people, people.person("healthkit:v-cleo"), "Asia/Tokyo", NOON)
    api.post("v-cleo", steps(1, 7))
    assert api.summary("v-cleo").status_code == 200
    erasure.run()
    assert api.summary("v-cleo").status_code == 403
    erasure.lift()
    assert api.summary("v-cleo").status_code == 200
    mine, admin = api.token("v-cleo"), api.key("users:admin")
    api.client.delete("/v1/users/me", headers=mine)
    assert api.client.post("/v1/users", json={"subject": "v-cleo"}, headers=admin).status_code == 409
    erasure.lift()
    assert api.summary("v-cleo").status_code == 403
    assert api.client.post("/v1/users", json={"subject": "v-cleo"}, headers=admin).status_code == 201
    assert api.summary("v-cleo").status_code == 200


def test_tombstones_that_have_not_changed_are_not_read_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.serve.participants.FRESH_SECONDS", -1)  # every request looks
    lake, cleo, dora = api.service.lake, *map(api.service.participants.alias, ("v-cleo", "v-dora"))
    write_tombstone(lake, Tombstone(cleo, "2026-11-18T00:00:00Z", "retention", ids=[cleo]))
    assert api.summary("v-cleo").status_code == 403
    with monkeypatch.context() as patch:
        patch.setattr("qol.serve.participants.read_erased", None)
        assert api.summary("v-cleo").status_code == 403
    write_tombstone(lake, Tombstone(dora, "2026-11-18T00:00:00Z", "retention", ids=[dora]))
    assert api.summary("v-dora").status_code == 403


def round_of_work(api: Api) -> None:
    """What the server does a minute later."""
    api.service.erasures_due = 0
    work_once(api.service)


def test_what_the_state_has_of_who_is_erased_on_the_command_line_goes_too(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, admin, device = api.service.state, api.key("users:admin"), api.key("devices:read", "devices:write")
    with (api.lake / "user_map.jsonl").open("a") as file:
        file.write('{"source": "sensor", "vendor_user_id": "room-1", "user_id": "P-anna", "to": "2026-11-16"}\n')
        file.write('{"source": "sensor", "vendor_user_id": "room-1", "user_id": "P-ben", "from": "2026-11-17"}\n')
    of_anna, of_ben = {"timestamp": 1_794_787_000}, {"timestamp": 1_794_960_000}  # on the 16th and the 18th
    assert api.client.post(METRICS, json={"readings": [of_anna, of_ben]}, headers=device).status_code == 201
    assert api.client.post("/v1/users", json={"subject": "v-anna"}, headers=admin).status_code == 201
    for who in ("v-anna", "P-ben"):
        assert api.client.put("/v1/goals/walk", json=STEPS, headers=api.token(who)).status_code == 201
    api.post("v-anna", steps(500, 7))
    state.create("readings", "room-1", "1", of_anna | {"status": "P-anna"}, expires=1)
    state.create("events", DEAD, "evt_old", {"user_id": "P-anna", "status": 410})
    round_of_work(api)
    assert len(traces(api.lake, b"P-anna")) > 1
    people, user_map = api.service.participants.people(), api.service.participants.user_map
    erasure = Erasure(api.service.lake, people, people.person("P-anna"), "Asia/Tokyo", NOON, user_map)
    assert erasure.run().is_clean
    round_of_work(api)
    assert traces(api.lake, b"v-anna", b"P-anna", b"_50-anna") == []
    assert api.client.get("/v1/goals", headers=api.token("v-anna")).status_code == 403
    assert len(api.client.get("/v1/goals", headers=api.token("P-ben")).json()["goals"]) == 1
    api.client.post(METRICS, json={"readings": [of_anna, of_ben]}, headers=device)
    assert api.client.get(METRICS, headers=device).json()["items"] == [of_ben]

    state.create("goals", "P-anna", "late", STEPS)  # by a process that did not know the tombstone yet
    round_of_work(api)
    assert state.owners("goals") == {"P-anna", "P-ben"}
    now = time.time() + ROUND_SECONDS
    monkeypatch.setattr("time.time", lambda: now)
    round_of_work(api)
    assert state.owners("goals") == {"P-ben"}
    with monkeypatch.context() as patch:
        patch.setattr(type(state), "owners", None)  # nothing is listed while the tombstones are the same
        api.service.erasures_due = 0
        assert purge_erased(api.service) == 0
    erasure.lift()
    assert api.client.put("/v1/goals/walk", json=STEPS, headers=api.token("v-anna")).status_code == 201
    round_of_work(api)
    assert len(api.client.get("/v1/goals", headers=api.token("v-anna")).json()["goals"]) == 1


def test_who_left_so_long_ago_that_the_user_map_forgot_them_is_not_named_by_the_state_either(api: Api) -> None:
    admin = api.key("users:admin")
    api.client.post("/v1/users", json={"subject": "v-anna"}, headers=admin)
    account = api.service.participants.alias("v-anna")
    write_tombstone(api.service.lake, Tombstone(account, "2026-11-18T00:00:00Z", "retention", ids=[account]))
    round_of_work(api)
    assert api.client.get("/v1/users", headers=admin).json()["items"] == []
