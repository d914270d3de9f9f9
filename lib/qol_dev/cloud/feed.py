"""Fill the local cloud: secrets and map as an operator enters them, raw data as Garmin pushes it."""

from __future__ import annotations

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
class Door:
    """What a sender has to show."""

    token: str
    client_id: str


def enter_secrets(cloud: Cloud, lake: Path) -> Door:
    """Put the values of both secrets: the sample's key, and a token and a client id nobody has seen before."""
    door = Door(secrets.token_urlsafe(24), secrets.token_hex(16))
    names, manager = cloud.names["secrets"], client(cloud, "secretsmanager")
    key = (lake / KEY_FILE).read_text(encoding="ascii")
    manager.put_secret_value(SecretId=names["pseudonym_key"], SecretString=key)
    credentials = {"tokens": [door.token], "client_ids": [door.client_id]}
    manager.put_secret_value(SecretId=names["garmin_webhook"], SecretString=json.dumps(credentials))
    return door


def read_door(cloud: Cloud) -> Door:
    """What a sender has to show, out of the secret."""
    found = client(cloud, "secretsmanager").get_secret_value(SecretId=cloud.names["secrets"]["garmin_webhook"])
    credentials = json.loads(found["SecretString"])
    return Door(credentials["tokens"][0], credentials["client_ids"][0])


def enter_people(cloud: Cloud, lake: Path) -> int:
    """Enter the sample's map: people with an id of the study's own; how many."""
    table = client(cloud, "dynamodb")
    items = user_map_items(lake)
    for item in items:
        table.put_item(TableName=cloud.names["tables"]["user_map"], Item=item)
    return len(items)


def send(cloud: Cloud, pushes: list[Push]) -> None:
    """Hand every push to the receiver, whose clock stands at its arrival. QolError when one is not answered with 200."""
    door = read_door(cloud)
    with open_function(cloud, "receiver") as receiver:
        for number, push in enumerate(pushes, 1):
            answer = receiver(api_event(push, door.token, door.client_id), push.at)
            if answer["statusCode"] != _OK:
                raise QolError(f"push {number}: answered {answer['statusCode']}; allowed: 200; its log: {receiver.log}")
