"""Fill the local cloud: secrets and map as an operator enters them, raw data as Garmin pushes it."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from qol.errors import QolError
from qol_dev.cloud.functions import open_function
from qol_dev.cloud.pushes import Push, api_event, user_map_items
from qol_dev.cloud.state import Cloud, client

KEY_FILE = Path("_keys", "pseudonym.key")
_OK = 200


@dataclass(frozen=True)
class WebhookCredentials:
    """The token and client id that a push must carry."""

    token: str
    client_id: str


def enter_secrets(cloud: Cloud, lake: Path) -> WebhookCredentials:
    """Put the values of both secrets: the sample's key, and a new random token and client id."""
    credentials = WebhookCredentials(secrets.token_urlsafe(24), secrets.token_hex(16))
    names, manager = cloud.names["secrets"], client(cloud, "secretsmanager")
    key = (lake / KEY_FILE).read_text(encoding="ascii")
    manager.put_secret_value(SecretId=names["pseudonym_key"], SecretString=key)
    stored = {"tokens": [credentials.token], "client_ids": [credentials.client_id]}
    manager.put_secret_value(SecretId=names["garmin_webhook"], SecretString=json.dumps(stored))
    return credentials


def read_credentials(cloud: Cloud) -> WebhookCredentials:
    """The token and client id that the secret holds."""
    found = client(cloud, "secretsmanager").get_secret_value(SecretId=cloud.names["secrets"]["garmin_webhook"])
    stored = json.loads(found["SecretString"])
    return WebhookCredentials(stored["tokens"][0], stored["client_ids"][0])


def enter_user_map(cloud: Cloud, lake: Path) -> int:
    """Enter the users of the sample's map into the table; how many."""
    table = client(cloud, "dynamodb")
    items = user_map_items(lake)
    for item in items:
        table.put_item(TableName=cloud.names["tables"]["user_map"], Item=item)
    return len(items)


def send(cloud: Cloud, pushes: list[Push]) -> None:
    """Hand every push to the receiver, whose clock stands at its arrival. QolError when one is not answered with 200."""
    credentials = read_credentials(cloud)
    with open_function(cloud, "receiver") as receiver:
        for number, push in enumerate(pushes, 1):
            answer = receiver(api_event(push, credentials.token, credentials.client_id), push.at)
            if answer["statusCode"] != _OK:
                raise QolError(f"push {number}: answered {answer['statusCode']}; allowed: 200; its log: {receiver.log}")
