"""Who may call what: every caller at every route, wrong tokens, limits, and what no answer or log ever says."""

import json
import logging
import random
import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from qol.serve.access_tokens import FRESH_SECONDS, MIN_REFRESH_SECONDS, OidcVerifier, local_key, local_token
from qol.serve.http_edges import SECRET_NAMES
from qol.serve.serve_options import Oidc, from_environment
from qol.state import Item, StateError
from tests.serve.phones import BULK, SUMMARY, Api, steps

#: Who may call each route.
ALLOWED = {
    ("POST", BULK): {"participant", "other"},
    ("GET", SUMMARY): {"participant", "other"},
    ("GET", "/v1/measurements/anomalies"): {"participant", "other"},
    ("GET", "/v1/goals"): {"participant", "other"},
    ("GET", "/v1/goals/{goal_id}"): {"participant", "other"},
    ("PUT", "/v1/goals/{goal_id}"): {"participant", "other"},
    ("PATCH", "/v1/goals/{goal_id}"): {"participant", "other"},
    ("DELETE", "/v1/goals/{goal_id}"): {"participant", "other"},
    ("POST", "/v1/webhooks/goal-achieved"): {"events key"},
    ("POST", "/v1/users"): {"admin"},
    ("GET", "/v1/users"): {"admin"},
    ("GET", "/v1/users/{user_id}"): {"admin"},
    ("PATCH", "/v1/users/{user_id}"): {"admin"},
    ("DELETE", "/v1/users/{user_id}"): {"admin"},
    ("GET", "/v1/erasures/{erasure_id}"): {"admin"},
    ("POST", "/v1/devices/{device_id}/metrics"): {"device key"},
    ("GET", "/v1/devices/{device_id}/metrics"): {"device key"},
    ("GET", "/v1/feeds/{source}/{record}"): {"feed key"},
    ("GET", "/v1/feeds/{source}/{record}/{key}"): {"feed key"},
    ("GET", "/prices"): {"feed key"},
    ("GET", "/prices/{symbol}"): {"feed key"},
}
#: A user_id in a path is that of nobody, so that no call changes who may call.
PATH = {"goal_id": "walk", "user_id": "P-zoe", "erasure_id": "0" * 32, "device_id": "room", "source": "market"}
PATH |= {"record": "prices", "key": "ABC", "symbol": "ABC"}


def test_each_caller_gets_through_at_its_own_routes_and_at_no_other(api: Api) -> None:
    gone = api.token("v-cleo")
    assert api.client.delete("/v1/users/me", headers=gone).status_code == 202
    object.__setattr__(api.service.options, "rate_limit", 10_000)
    callers = {
        "anonymous": {},
        "participant": api.token("v-anna"),
        "other": api.token("P-ben"),
        "device key": api.key("devices:write", "devices:read"),
        "feed key": api.key("feeds:read"),
        "events key": api.key("events:write"),
        "admin": api.key("users:admin"),
        "erased": gone,
    }
    paths = api.client.get("/openapi.json").json()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods} - {("GET", "/health")}
    assert routes == ALLOWED.keys()
    for method, path in sorted(routes):
        for who, headers in callers.items():
            answer = api.client.request(method, path.format(**PATH), headers=headers, content=b"{}")
            refused = {"anonymous": 401}.get(who, 403)
            is_through = answer.status_code not in (401, 403)
            assert is_through == (who in ALLOWED[method, path]), (method, path, who, answer.status_code)
            assert is_through or answer.status_code == refused, (method, path, who, answer.status_code)


def test_another_method_of_a_route_is_405_beside_the_page(api: Api) -> None:
    assert (api.client.get("/v1/measurements/bulk").status_code, api.client.get("/v1/nothing").status_code) == (
        405,
        404,
    )
    assert api.client.get("/page.js").status_code == 200


def test_no_participant_reaches_what_is_anothers(api: Api) -> None:
    goal = {"metric": "steps", "period": "day", "target": 1}
    api.client.put("/v1/goals/walk", json=goal, headers=api.token("v-anna"))
    ben = api.token("P-ben")
    assert api.client.get("/v1/goals/walk", headers=ben).status_code == 404
    assert api.client.delete("/v1/goals/walk", headers=ben).status_code == 404
    assert api.client.delete("/v1/users/P-anna", headers=ben).status_code == 403
    assert api.client.get(SUMMARY, params={"user_id": "P-anna"}, headers=ben).json() == api.summary("P-ben").json()


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_wrong_tokens_are_401_for_one_reason(api: Api) -> None:
    key, now = local_key(api.lake), datetime.now(UTC)
    good = {"iss": "qol-local", "aud": "qol-api", "sub": "v-anna", "exp": now + timedelta(hours=1)}

    def signed(with_key: Any = key, algorithm: str = "HS256", **changes: Any) -> str:
        claims = {name: value for name, value in (good | changes).items() if value is not None}
        return jwt.encode(claims, with_key, algorithm)

    wrong = [
        "", "x", "a.b.c", signed(b"another key, of thirty-two bytes."), signed(exp=now - timedelta(minutes=2)), signed(aud="x"),
        signed(iss="x"), signed(sub=None), signed(exp=None), signed(None, "none"), signed(algorithm="HS512"), signed(sub=""),
        signed(nbf=now + timedelta(hours=1)),
    ]  # fmt: skip
    answers = [api.client.get(SUMMARY, headers={"Authorization": f"Bearer {token}"}) for token in wrong]
    answers.append(api.client.get(SUMMARY, headers={"Authorization": f"Basic {signed()}"}))
    answers.append(api.client.get(SUMMARY, headers={"X-API-Key": "qol_unknown"}))
    answers.append(api.client.get(SUMMARY, headers={"X-API-Key": "x", "Authorization": f"Bearer {signed()}"}))
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["detail"] for answer in answers} == {"No valid token or key was given."}
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer") for answer in answers)
    assert api.client.get(SUMMARY, headers={"Authorization": f"Bearer {signed()}"}).status_code == 200
    read_only = {"Authorization": f"Bearer {signed(scope='me:read openid')}"}
    assert api.client.post(BULK, json={"measurements": []}, headers=read_only).status_code == 403


def test_none_of_ten_thousand_mutated_tokens_gets_in(api: Api) -> None:
    chance, verifier = random.Random(18), api.service.verifier
    assert verifier is not None
    token = local_token(local_key(api.lake), "v-anna")
    claims = verifier.verify(token)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
    for _ in range(10_000):
        place = chance.randrange(len(token))
        mutated = (
            token[:place] + chance.choice(alphabet) * chance.randrange(3) + token[place + chance.randrange(1, 9) :]
        )
        # The last character of a signature has bits that say nothing.
        assert verifier.verify(mutated) is None or (verifier.verify(mutated) == claims and mutated[:-1] == token[:-1])


def test_tokens_of_an_issuer_are_known_by_its_keys_also_when_they_rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {name: rsa.generate_private_key(public_exponent=65_537, key_size=2048) for name in ("one", "two")}
    served, asked = ["one"], []

    def answer(_: OidcVerifier, uri: str) -> Any:
        asked.append(uri)
        if uri.endswith("configuration"):
            return {"jwks_uri": "https://id.example/keys"}
        algorithm = jwt.get_algorithm_by_name("RS256")
        public = {name: json.loads(algorithm.to_jwk(keys[name].public_key())) for name in served}
        return {"keys": [{**key, "kid": name, "use": "sig"} for name, key in public.items()]}

    clock = [0.0]
    monkeypatch.setattr(OidcVerifier, "_json", answer)
    monkeypatch.setattr("qol.serve.access_tokens.time.monotonic", lambda: clock[0])
    oidc = from_environment({"QOL_OIDC_ISSUER": "https://id.example/", "QOL_OIDC_AUDIENCE": "app"})["oidc"]
    assert isinstance(oidc, Oidc)
    verifier = OidcVerifier(oidc)

    def token(key: str, with_key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
        claims = {"iss": "https://id.example/", "aud": "app", "sub": "s1", "exp": time.time() + 60} | changes
        return jwt.encode(claims, with_key or keys[key], algorithm, {"kid": key})

    assert getattr(verifier.verify(token("one")), "subject", None) == "s1"
    assert verifier.verify(token("two")) is None
    assert len(asked) == 2  # a key id that nobody has does not make it ask again at once
    served[:] = ["two"]
    clock[0] += MIN_REFRESH_SECONDS
    assert verifier.verify(token("two")) is not None
    assert verifier.verify(token("one")) is None
    public = keys["two"].public_key()
    pem = public.public_bytes(*_pem()).replace(b"PUBLIC", b"XUBLIC")  # PyJWT itself refuses a public key as a secret
    assert verifier.verify(token("two", pem, "HS256")) is None
    assert verifier.verify(token("two", aud="other")) is None
    clock[0] += FRESH_SECONDS
    monkeypatch.setattr(OidcVerifier, "_json", lambda *_: dict[str, str]()["keys"])
    assert verifier.verify(token("two")) is not None


def _pem() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Encoding.PEM, PublicFormat.SubjectPublicKeyInfo


def test_the_request_after_the_limit_is_429_and_another_caller_still_gets_through(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(api.service.options, "rate_limit", 5)
    codes = [api.client.get("/v1/goals", headers=api.token("v-anna")).status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    refused = api.client.get("/v1/goals", headers=api.token("v-anna"))
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert api.client.get("/v1/goals", headers=api.token("P-ben")).status_code == 200
    assert [api.client.get("/v1/goals").status_code for _ in range(6)][-1] == 429
    assert api.client.get("/health").status_code == 200

    def away(*_: object, **__: object) -> bool:
        raise StateError("away")

    counted: list[str] = []
    monkeypatch.setattr(type(api.service.counters), "acquire_sliding_window_entry", away)
    monkeypatch.setattr(type(api.service), "count", lambda _, name, *__: counted.append(name))
    assert api.client.get("/v1/goals", headers=api.token("v-anna")).status_code == 200
    assert "limits_not_checked" in counted


def test_a_secret_in_a_query_is_401_whatever_else_is_sent(api: Api) -> None:
    for name in sorted(SECRET_NAMES):
        answer = api.client.get(SUMMARY, params={name.upper(): "s"}, headers=api.token("v-anna"))
        assert answer.status_code == 401


def test_a_page_that_is_asked_for_again_keeps_its_policy(api: Api) -> None:
    page = api.client.get("/")
    again = api.client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert (again.status_code, again.headers.get("Content-Security-Policy")) == (304, None)


def test_the_logged_time_ends_with_the_answer(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "qol.serve")
    clock = [0.0]
    monkeypatch.setattr("qol.serve.http_edges.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("qol.serve.measurements.note_met_goals", lambda *_: clock.append(clock.pop() + 9))
    api.post("v-anna", steps(1, 7))
    assert (json.loads(caplog.messages[-1])["ms"], clock) == (0.0, [9.0])


def test_the_documentation_loads_from_this_server_alone_and_health_answers_head(api: Api) -> None:
    page = api.client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3
    assert [api.client.get(one).status_code for one in loaded] == [200, 200, 200]
    assert "https:" not in page.headers["Content-Security-Policy"]
    assert api.client.head("/health").status_code == 200


def test_every_answer_has_security_headers_and_an_id_and_big_ones_are_packed(api: Api) -> None:
    for path, headers in ((SUMMARY, api.token("v-anna")), ("/v1/nothing", {}), ("/health", {}), ("/docs", {})):
        answer = api.client.get(path, headers=headers | {"Origin": "https://evil.example"})
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(answer.headers["X-Request-Id"]) == 36
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert api.client.get(SUMMARY, headers=api.token("v-anna")).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in api.client.get("/health").headers


def test_an_origin_that_is_listed_may_ask(published: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", "a key of the tests, 32 bytes long!")
    api = Api.over(published, tmp_path / "lake", cors_origins=("https://app.example",))
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = api.client.options(BULK, headers=preflight | {"Access-Control-Request-Headers": "authorization"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")


def test_no_value_of_a_request_is_in_a_log_an_error_or_a_metric(
    api: Api, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    object.__setattr__(api.service.options, "emits_metrics", True)
    caplog.set_level(logging.DEBUG)
    word, mine = "CNRYAAAAA", api.token("v-anna")
    asked = [
        ("GET", f"/v1/goals/{word}", None), ("PUT", f"/v1/goals/{word}", {"metric": word, "period": word, "target": word}),
        ("PUT", "/v1/goals/walk", {word: word}), ("GET", f"{SUMMARY}?fields={word}&date={word}&period={word}", None),
        ("GET", f"/v1/{word}", None), ("GET", f"{SUMMARY}?token={word}", None), ("POST", BULK, {"measurements": word}),
        ("POST", BULK, {"user_id": word, word: [word], "measurements": [{"type": word, "uuid": [word], "value": word}]}),
        ("POST", f"/v1/devices/{word}/metrics", {"timestamp": word}), ("GET", f"/prices/{word}", None),
        (f"{word}", "/v1/goals", None), ("DELETE", f"/v1/users/{word}", None),
    ]  # fmt: skip
    answers = []
    for headers in (
        mine,
        api.key("users:admin"),
        api.key("devices:write"),
        {"X-API-Key": word},
        {"X-Request-Id": word},
    ):
        answers += [api.client.request(method, path, json=body, headers=headers) for method, path, body in asked]
    api.service.state.get = lambda *_: dict[str, Item]()[word]  # type: ignore[method-assign]
    answers.append(api.client.get("/v1/goals", headers=mine))
    assert answers[-1].status_code == 500
    text = "".join(answer.text + str(answer.headers) for answer in answers if "/bulk" not in str(answer.url))
    out = capsys.readouterr()
    ours = "".join(record.getMessage() for record in caplog.records if record.name == "qol.serve")
    assert word.lower() not in (text + out.out + out.err + ours).lower()
    assert "milliseconds" in out.out
    for token in (mine["Authorization"][-20:], "v-anna", "P-anna"):
        assert token not in out.out + ours


def test_keys_are_stored_as_hashes_and_a_revoked_key_is_401(api: Api) -> None:
    from qol.serve.door import listed_keys, revoke_key

    key = api.key("feeds:read")
    secret = key["X-API-Key"]
    assert len(secret) >= 4 + 43
    assert api.client.get("/prices", headers=key).status_code == 404
    stored = sqlite3.connect(api.lake / "_serve/state.sqlite").execute("select name, body from qol_keys").fetchall()
    assert secret[12:] not in str(stored)
    (found,) = listed_keys(api.service.state)
    assert found.body["shown"] == secret[:12]
    assert revoke_key(api.service.state, secret[:12]) == 1
    assert api.client.get("/prices", headers=key).status_code == 401


def test_the_local_key_is_for_its_user_and_for_loopback_alone(api: Api) -> None:
    assert (api.lake / "_serve/jwt.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Exception, match=r"--host 0\.0\.0\.0: other machines reach it"):
        Api.of(api.lake, host="0.0.0.0")
    issuer = Oidc("https://id.example", "app", jwks_uri="https://id.example/keys")
    reached = Api.of(api.lake, host="0.0.0.0", oidc=issuer)
    assert reached.client.get(SUMMARY, headers=reached.token("v-anna")).status_code in (401, 503)


def test_whom_the_study_does_not_know_gets_no_access_with_an_issuers_token(api: Api) -> None:
    object.__setattr__(api.service.options, "oidc", Oidc("https://id.example", "app"))
    assert api.summary("v-anna").status_code == 200
    assert api.summary("v-nobody").status_code == 403
    api.client.post("/v1/users", json={"subject": "v-nobody"}, headers=api.key("users:admin"))
    assert api.summary("v-nobody").json()["rows"] == []


def test_a_batch_is_refused_beyond_its_announced_or_real_size(api: Api) -> None:
    mine = api.token("v-anna") | {"Content-Type": "application/json"}
    chunks = (b" " * 1_000_000 for _ in range(6))
    assert api.client.post(BULK, content=chunks, headers=mine).status_code == 413
    assert api.post("v-anna", steps(1, 1)).status_code == 201
