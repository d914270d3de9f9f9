"""One Athena query and its result as CSV."""

import io
import time
from collections.abc import Callable
from typing import Any

from qol.errors import QolError
from qol_lambda.clients import client
from qol_lambda.settings import setting

#: A query that takes longer is stopped.
MAX_QUERY_SECONDS = 180.0
PAUSE_SECONDS = 1.0
_WAITING = frozenset({"QUEUED", "RUNNING"})


class QueryError(QolError):
    """When a query failed; names the query's id, not Athena's text, which could hold values."""


def query_csv(
    sql: str, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> io.TextIOBase:
    """The rows of a query as CSV with a header; QueryError when it fails or takes too long."""
    athena = client("athena")
    query = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": setting("QOL_DATABASE", "db_qol")},
        WorkGroup=setting("QOL_WORKGROUP", "qol"),
        # Ignored by a workgroup that enforces its own location of results, as the deployed one does.
        ResultConfiguration={
            "OutputLocation": f"s3://{setting('QOL_BUCKET')}/{setting('QOL_PREFIX', '')}athena-results/"
        },
    )["QueryExecutionId"]
    deadline = clock() + MAX_QUERY_SECONDS
    found: dict[str, Any] = {"Status": {"State": "QUEUED"}}
    while (state := found["Status"]["State"]) in _WAITING:
        if clock() >= deadline:
            athena.stop_query_execution(QueryExecutionId=query)
            raise QueryError(f"Athena query {query}: not finished in {MAX_QUERY_SECONDS:.0f} s")
        found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        sleep(PAUSE_SECONDS)
    if state != "SUCCEEDED":
        raise QueryError(
            f"Athena query {query}: ended {state}; allowed: SUCCEEDED (the query history in Athena has the reason)"
        )
    bucket, _, key = found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return io.StringIO(body.decode("utf-8"), newline="")
