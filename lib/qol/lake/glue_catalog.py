"""Partitions in the Glue Data Catalog; tables are created by the deployment."""

from qol.aws.requests import MISSING, RequestError, RetryPolicy, aws_client, ignore_errors, translate_errors
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
        allowed = "a deployed table (terraform apply makes it from the contracts)"
        raise LakeError(f"{place}: not in the catalog; allowed: {allowed}") from None
    partition = {"Values": [date], "StorageDescriptor": {**described, "Location": location}}
    where = {"DatabaseName": database, "TableName": name, "PartitionInput": partition}
    place = f"{place}, partition {date}"
    with ignore_errors({"AlreadyExistsException"}), translate_errors(place, policy):
        glue.create_partition(**where)
        return
    with translate_errors(place, policy):
        glue.update_partition(**where, PartitionValueList=[date])
