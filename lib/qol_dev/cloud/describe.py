"""What is in a local cloud, for people who look around."""

import shlex
from collections.abc import Iterable

from qol_dev.cloud.glue_runs import all_runs, waiting_runs
from qol_dev.cloud.state import Cloud, client, cloud_environment

_PREFIXES = ("raw/", "quarantine/", "processed/", "_objects/", "_runs/", "_collects/", "artifacts/")


def describe_cloud(cloud: Cloud) -> list[tuple[str, str]]:
    """Names and counts of what is there."""
    names = cloud.names
    counted = [(f"objects in {prefix}", str(count_objects(cloud, prefix))) for prefix in _PREFIXES]
    return [
        ("lake", cloud.lake),
        *counted,
        ("people in the map", str(_count_items(cloud, names["tables"]["user_map"]))),
        ("job runs started", f"{all_runs(cloud)}, of which {len(waiting_runs(cloud))} wait for `qol cloud work`"),
        ("database", cloud.database),
        ("functions", ", ".join(sorted(names["functions"]))),
        ("secrets", ", ".join(sorted(names["secrets"].values()))),
        ("alert topic", names["topics"]["alert"]),
    ]


def count_objects(cloud: Cloud, prefix: str) -> int:
    """How many objects are below a prefix."""
    pages = client(cloud, "s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.names["bucket"], Prefix=prefix)
    return sum(int(page.get("KeyCount", 0)) for page in pages)


def shell_lines(cloud: Cloud) -> Iterable[str]:
    """What a shell takes so that AWS clients and `qol` reach the cloud; a profile of one's own would win, so it goes."""
    yield "unset AWS_PROFILE AWS_SESSION_TOKEN"
    for name, value in cloud_environment(cloud).items():
        yield f"export {name}={shlex.quote(value)}"
    if cloud.names:
        yield f"export QOL_LAKE={shlex.quote(cloud.lake)}"


def _count_items(cloud: Cloud, table: str) -> int:
    pages = client(cloud, "dynamodb").get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(int(page["Count"]) for page in pages)
