"""The API of the local cloud: `qol serve` with the function's settings, and a token issuer of this machine."""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from qol.errors import QolError
from qol_dev.cloud.processes import HOST, Server, free_port, start, wait_for
from qol_dev.cloud.state import Cloud, client, process_environment

#: Wednesday 07:00 in Tokyo, before the weekly run.
NOW = "2026-11-17T22:00:00Z"
AUDIENCE = "qol-local"
SUBJECT, USER_ID = "app-anna", "P-anna"
#: The days of 2026-W46, and today; steps of each half hour.
DAYS, TODAY = [f"2026-11-{day:02d}" for day in range(9, 16)], "2026-11-18"
STEPS, GOAL = 4000, {"metric": "steps", "period": "day", "target": 1000}
_READY_SECONDS = 120.0
_KEY_ID = "local"


@dataclass(frozen=True)
class App:
    """A participant's app: where the API is, and the person's token."""

    address: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer; QolError when the API refuses."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = urllib3.request(method, self.address + path, body=data, headers=headers, timeout=60, retries=False)
        if answer.status >= 400:
            raise QolError(f"API: {method} {path.partition('?')[0]} answered {answer.status}; its log says why")
        return answer.json()

    def steps_of_the_week(self) -> tuple[float | None, float | None]:
        """Mean steps of 2026-W46: as published, and as the next run would publish them; None for not known."""
        found = self.ask("GET", f"/v1/measurements/summary?period=week&date={DAYS[-1]}&fields=steps_mean&so_far=true")
        published, so_far = (next((row["steps_mean"] for row in found[name]), None) for name in ("rows", "so_far"))
        return published, so_far


def start_issuer(cloud: Cloud) -> Server:
    """A server of the issuer's keys, whose private one stays in the cloud's folder."""
    folder, port = cloud.folder / "issuer", free_port()
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    documents = {
        ".well-known/openid-configuration": {"jwks_uri": f"http://{HOST}:{port}/jwks.json"},
        "jwks.json": {"keys": [public | {"kid": _KEY_ID, "use": "sig", "alg": "RS256"}]},
    }
    for name, document in documents.items():
        (folder / "public" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "public" / name).write_text(json.dumps(document), encoding="utf-8")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "private.pem").write_bytes(pem)
    shown = str(folder / "public")
    command = [sys.executable, "-m", "http.server", "--bind", HOST, "--directory", shown, str(port)]
    server = start("issuer", command, port, cloud.folder / "logs" / "issuer.log", process_environment(cloud))
    wait_for(server, server.answers, _READY_SECONDS)
    return server


def start_api(cloud: Cloud, issuer: Server) -> Server:
    """The API with what Terraform gave its function, on a clock before the weekly run."""
    client(cloud, "secretsmanager").put_secret_value(SecretId="qol/api", SecretString="{}")
    deployed = client(cloud, "lambda").get_function_configuration(FunctionName="qol-api")["Environment"]["Variables"]
    settings = {**deployed, "QOL_OIDC_ISSUER": issuer.url, "QOL_OIDC_AUDIENCE": AUDIENCE}
    port = free_port()
    command = [sys.executable, "-c", "from qol.cli import main; main()", "serve", "--port", str(port), "--now", NOW]
    log = cloud.folder / "logs" / "api.log"
    server = start("api", command, port, log, process_environment(cloud, **settings))
    wait_for(server, server.answers, _READY_SECONDS)
    return server


def enter_app_user(cloud: Cloud) -> None:
    """Enter a person of the app into the user map."""
    texts = {
        "garmin_user_id": f"healthkit:{SUBJECT}", "user_id": USER_ID, "timezone": "Asia/Tokyo", "status": "active",
        "registered_at": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip
    item = {name: {"S": text} for name, text in texts.items()}
    client(cloud, "dynamodb").put_item(TableName=cloud.names["tables"]["user_map"], Item=item)


def app_of(cloud: Cloud) -> App:
    """The app of that person, signed in for a day."""
    now = datetime.now(UTC)
    claims = {
        "iss": cloud.server("issuer").url,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "iat": now,
        "exp": now + timedelta(days=1),
    }
    key = (cloud.folder / "issuer" / "private.pem").read_bytes()
    return App(cloud.server("api").url, jwt.encode(claims, key, "RS256", headers={"kid": _KEY_ID}))


def batch() -> dict[str, Any]:
    """A half hour with steps on each day of the week, and today."""
    return {
        "device_tz": "Asia/Tokyo",
        "measurements": [
            {
                "uuid": f"steps-{day}", "type": "HKQuantityTypeIdentifierStepCount", "unit": "count", "value": STEPS,
                "start": f"{day}T06:00:00+09:00", "end": f"{day}T06:30:00+09:00", "zone_offset": "+09:00",
            }
            for day in (*DAYS, TODAY)
        ],
    }  # fmt: skip


def events_of_goals(cloud: Cloud) -> int:
    """The person's events in the API's state."""
    found = client(cloud, "dynamodb").query(
        TableName="qol-api-events", KeyConditionExpression="#owner = :owner", Select="COUNT",
        ExpressionAttributeNames={"#owner": "owner"}, ExpressionAttributeValues={":owner": {"S": USER_ID}},
    )  # fmt: skip
    return int(found["Count"])
