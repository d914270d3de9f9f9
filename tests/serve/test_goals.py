"""Goals are whole documents with versions, and a goal that a batch meets gives one signed event."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from standardwebhooks import Webhook

from qol.serve.goal_events import BACKOFF, DEAD, OUTBOX, deliver_due
from tests.serve.phones import Api, steps

STEPS: dict[str, object] = {"metric": "steps", "period": "day", "target": 300}
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMh"
WEBHOOK = "/v1/webhooks/goal-achieved"


def put(api: Api, goal: object, who: str = "v-anna", **headers: str) -> int:
    return int(api.client.put("/v1/goals/walk", json=goal, headers=api.token(who) | headers).status_code)


def test_a_goal_is_put_read_patched_and_deleted_by_its_version(api: Api) -> None:
    mine, patch = api.token("v-anna"), {"Content-Type": "application/merge-patch+json"}
    only_new = {"If-None-Match": "*"}
    assert put(api, STEPS, **only_new) == 201
    assert put(api, STEPS | {"target": 1}, **only_new) == 412
    assert put(api, STEPS | {"target": 1}, **{"If-None-Match": '"9", "1"'}) == 412
    read = api.client.get("/v1/goals/walk", headers=mine)
    assert (read.json(), read.headers["ETag"]) == ({"goal_id": "walk", **STEPS}, '"1"')
    assert put(api, STEPS | {"target": 400}, **{"If-Match": '"1"', "If-None-Match": '"2"'}) == 200
    assert put(api, STEPS, **{"If-Match": '"1"'}) == 412
    patched = api.client.patch("/v1/goals/walk", content=b'{"target": 500}', headers=mine | patch)
    assert (patched.json()["target"], patched.headers["ETag"]) == (500, '"3"')
    assert api.client.patch("/v1/goals/walk", json={"target": 1}, headers=mine).status_code == 415
    assert api.client.patch("/v1/goals/walk", content=b'{"target": null}', headers=mine | patch).status_code == 422
    assert api.client.get("/v1/goals", headers=mine).json()["goals"] == [{"goal_id": "walk", **STEPS, "target": 500}]
    assert api.client.get("/v1/goals", headers=api.token("P-ben")).json() == {"goals": []}
    assert api.client.delete("/v1/goals/walk", headers=mine | {"If-Match": '"1"'}).status_code == 412
    assert api.client.delete("/v1/goals/walk", headers=mine).status_code == 204
    assert api.client.get("/v1/goals/walk", headers=mine).status_code == 404


def test_a_goal_that_the_contracts_do_not_know_is_422(api: Api) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"metric": "steps_mean"}, "/metric"), ({"metric": "bedtime_minute"}, "/metric"), ({"period": "year"}, "/period"),
        ({"target": 0}, "/target"), ({"target": -1}, "/target"), ({"target": "10"}, "/target"), ({"color": "red"}, ""),
    ]  # fmt: skip
    for change, pointer in wrong:
        answer = api.client.put("/v1/goals/walk", json=STEPS | change, headers=api.token("v-anna"))
        assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
        assert "red" not in answer.text


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers with the statuses it is given, the last of them for ever."""

    statuses: list[int]
    received: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def receiver(api: Api) -> type[Receiver]:
    handler = type("OneReceiver", (Receiver,), {"statuses": [500, 204], "received": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    object.__setattr__(api.service.options, "webhook_url", f"http://127.0.0.1:{server.server_port}/events")
    object.__setattr__(api.service.options, "webhook_secret", SECRET)
    return handler


def test_a_goal_newly_met_gives_one_event_which_is_delivered_again_until_it_is_taken(
    api: Api, receiver: type[Receiver]
) -> None:
    put(api, STEPS)
    api.client.put("/v1/goals/week", json=STEPS | {"period": "week", "target": 400}, headers=api.token("v-anna"))
    api.post("v-anna", steps(200, 7))
    assert api.service.state.items("events", OUTBOX) == []
    api.post("v-anna", steps(150, 8))
    api.post("v-anna", steps(50, 9))
    now = 2_000_000_000.0
    assert [deliver_due(api.service, lambda: now), deliver_due(api.service, lambda: now)] == [1, 0]
    assert deliver_due(api.service, lambda: now + BACKOFF[0]) == 1
    assert deliver_due(api.service, lambda: now + 1e6) == 0
    assert len(receiver.received) == 3
    events = {headers["webhook-id"]: (headers, body) for headers, body in receiver.received}
    bodies = sorted(
        (Webhook(SECRET).verify(body, headers) for headers, body in events.values()), key=lambda b: b["data"]["start"]
    )
    assert [body["data"] for body in bodies] == [
        {"user_id": "P-anna", "goal_id": "week", **STEPS, "period": "week", "target": 400, "start": "2026-11-16"},
        {"user_id": "P-anna", "goal_id": "walk", **STEPS, "start": "2026-11-18"},
    ]


def test_an_event_that_is_never_taken_goes_to_the_dead_letters(api: Api, receiver: type[Receiver]) -> None:
    receiver.statuses[:] = [503]
    put(api, STEPS)
    api.post("v-anna", steps(500, 7))
    for attempt in range(len(BACKOFF) + 2):
        later = 2_000_000_000.0 + attempt * 1e6
        deliver_due(api.service, partial(float, later))
    assert len(receiver.received) == len(BACKOFF)
    assert [item.body["status"] for item in api.service.state.items("events", DEAD)] == [503]
    assert api.service.state.items("events", OUTBOX) == []


def test_a_report_of_a_met_goal_is_taken_once_whatever_is_repeated(api: Api, receiver: type[Receiver]) -> None:
    put(api, STEPS)
    body = {"user_id": "P-anna", "goal_id": "walk", "start": "2026-11-18"}
    server = api.key("events:write")

    def report(name: str | None, **changes: str) -> tuple[int, object]:
        headers = server | ({} if name is None else {"Idempotency-Key": name})
        answer = api.client.post(WEBHOOK, json=body | changes, headers=headers)
        return answer.status_code, answer.json().get("is_new")

    assert report(None)[0] == 400
    assert report("one") == (202, True)
    assert report("one") == (200, True)
    assert report("one", start="2026-11-17")[0] == 422
    assert report("two") == (202, False)
    assert report("three", goal_id="run")[0] == 404
    taken = api.service.state.get("events", ":received", "one")
    assert taken is not None
    api.service.state.create("events", ":received", "four", taken.body | {"answer": None})
    assert report("four")[0] == 409
    assert len(api.service.state.items("events", OUTBOX)) == 1


def test_a_signed_report_needs_no_key_and_a_wrong_signature_is_401(api: Api, receiver: type[Receiver]) -> None:
    from datetime import UTC, datetime

    put(api, STEPS)
    body = json.dumps({"user_id": "P-anna", "goal_id": "walk", "start": "2026-11-18"})
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
        "Content-Type": "application/json",
    }
    assert api.client.post(WEBHOOK, content=body, headers=signed).status_code == 202
    assert api.client.post(WEBHOOK, content=body + " ", headers=signed).status_code == 401
    assert (
        api.client.post(WEBHOOK, content=body, headers=api.key("devices:write") | {"Idempotency-Key": "x"}).status_code
        == 403
    )
