"""The collector of the local cloud, asked for its scheduled run while a fake vendor answers on this machine."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from qol_dev.cloud.functions import open_function
from qol_dev.cloud.state import Cloud, client
from qol_dev.fake_oura import FakeOura, RingDocuments, running
from qol_dev.fake_oura.ring_documents import SOURCE
from qol_dev.fake_oura.vendor_app import CLIENT_ID, CLIENT_SECRET
from qol_dev.sample import SampleOptions


def collect_rings(cloud: Cloud, sample: SampleOptions, now: datetime) -> Mapping[str, Any]:
    """Enter secret and tokens as an operator does, then collect as the schedule does at `now`; what the function answers."""
    documents = RingDocuments.of_sample(sample)
    vendor = FakeOura(documents, clock=lambda: now)
    deployed = cloud.names["collect"][SOURCE]
    secret = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    client(cloud, "secretsmanager").put_secret_value(SecretId=deployed["secret"], SecretString=secret)
    for person in documents.people:
        issued = vendor.tokens.issue(person, now)
        item = {"source": SOURCE, "user_id": person} | {
            name: issued[name] for name in ("access_token", "refresh_token")
        }
        typed = {name: {"S": value} for name, value in item.items()}
        client(cloud, "dynamodb").put_item(TableName=deployed["tokens"].removeprefix("dynamodb:"), Item=typed)
    with running(vendor.app) as address:
        settings = {f"QOL_{SOURCE.upper()}_BASE": f"{address}/v2/usercollection"}
        with open_function(cloud, f"collect_{SOURCE}", settings) as function:
            answer: Mapping[str, Any] = function({"scheduled_time": now.isoformat()}, now)
    return {**answer, "people": len(documents.people), "requests": len(vendor.requests)}
