"""Users have a status; an erased person has no access from the moment they ask, and nothing of theirs stays."""

from pathlib import Path

from qol.people.erase import Erasure
from qol.serve.erasing import erase_pending
from tests.serve.phones import NOON, SUMMARY, Api, steps
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
