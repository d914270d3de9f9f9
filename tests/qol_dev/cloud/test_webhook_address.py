"""The webhook's address on this machine, with the receiver behind it."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import pytest

from qol_dev.cloud.webhook import make_server
from qol_lambda.receiver import receive
from tests.qol_lambda.webhook import CLIENT, TOKEN, Webhook, body


@pytest.fixture
def port(webhook: Webhook) -> Iterator[int]:
    with make_server(lambda event: receive(event, datetime(2026, 11, 18, 0, 5, tzinfo=UTC))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def post(port: int, path: str, data: bytes, client: str = CLIENT) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, data, {"Garmin-Client-Id": client})
    answer = connection.getresponse()
    found = (answer.status, answer.read())
    connection.close()
    return found


def test_a_post_over_http_is_stored(port: int, webhook: Webhook, capfd: pytest.CaptureFixture[str]) -> None:
    assert post(port, f"/garmin/{TOKEN}", body("push.json")) == (200, b"")
    assert [len(line["dailies"]) for line in webhook.lines()] == [2]
    assert TOKEN not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("path", "data", "client", "status"),
    [
        ("/garmin/wrong", b"{}", CLIENT, 404),
        (f"/garmin/{TOKEN}", b"{}", "somebody", 404),
        ("/garmin/", b"{}", CLIENT, 404),
        (f"/garmin/{TOKEN}/more", b"{}", CLIENT, 404),
        ("/", b"{}", CLIENT, 404),
        (f"/garmin/{TOKEN}", b'{"dailies":["' + b"x" * 6 * 2**20 + b'"]}', CLIENT, 413),
        (f"/garmin/{TOKEN}", b'{"dailies":[' + b'"",' * 1_600_000 + b'""]}', CLIENT, 413),
        (f"/garmin/{TOKEN}", b"\xff" * 5 * 2**20, CLIENT, 413),
    ],
    ids=[
        "wrong token",
        "wrong client",
        "no token",
        "more than a token",
        "no path",
        "long",
        "long lines",
        "long Base64",
    ],
)
def test_other_requests_are_refused_and_leave_nothing(
    port: int, webhook: Webhook, path: str, data: bytes, client: str, status: int
) -> None:
    assert post(port, path, data, client) == (status, b"")
    assert webhook.stored() == {}
