"""Partitions in the Glue Data Catalog; tables are created by the deployment."""

from __future__ import annotations

from typing import Any

from qol.aws.requests import MISSING, RequestError, RetryPolicy, aws_client, translate_errors
from qol.errors import LakeError


def register_partition(database: str, table: str, date: str, location: str, policy: RetryPolicy) -> None:
    """Create or update the partition `date=<date>` of a table with its `location`.

    LakeError when the table is not in the catalog: terraform creates it from the same contracts.
    """
    glue = aws_client("glue", policy)
    name = table.lower()
    place = f"table {database}.{name}"
    try:
        with translate_errors(place, policy):
            described = glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
    except RequestError as err:
        if err.code not in MISSING:
            raise
        message = (
            f"{place}: not in the catalog; allowed: a deployed table (terraform apply makes it from the contracts)"
        )
        raise LakeError(message) from None
    partition = {"Values": [date], "StorageDescriptor": {**described, "Location": location}}
    _put(glue, {"DatabaseName": database, "TableName": name}, partition, f"{place}, partition {date}", policy)


def _put(glue: Any, where: dict[str, str], partition: dict[str, Any], place: str, policy: RetryPolicy) -> None:
    try:
        with translate_errors(place, policy):
            glue.create_partition(**where, PartitionInput=partition)
    except RequestError as err:
        if err.code != "AlreadyExistsException":
            raise
        with translate_errors(place, policy):
            glue.update_partition(**where, PartitionValueList=partition["Values"], PartitionInput=partition)
