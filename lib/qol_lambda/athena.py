"""One query to Athena, and its answer as the text of a CSV file."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from qol.errors import QolError
from qol_lambda.clients import client
from qol_lambda.settings import setting

#: So long a query may take; Athena is told to stop one that takes longer.
PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 1.0
_WAITING = frozenset({"QUEUED", "RUNNING"})


class QueryError(QolError):
    """When a query did not end well; names the query for the operator, not Athena's words for it."""


def answer(
    sql: str, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> io.TextIOBase:
    """The rows as CSV with a header, read from where the workgroup stores results; QueryError when there is no answer."""
    started = client("athena").start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": setting("QOL_DATABASE", "db_qol")},
        WorkGroup=setting("QOL_WORKGROUP", "qol"),
        # A workgroup that insists on its own place for results, as ours does, passes over this one.
        ResultConfiguration={
            "OutputLocation": f"s3://{setting('QOL_BUCKET')}/{setting('QOL_PREFIX', '')}athena-results/"
        },
    )
    query, deadline = started["QueryExecutionId"], clock() + PATIENCE_SECONDS
    while (found := _execution(query))["Status"]["State"] in _WAITING:
        if clock() >= deadline:
            client("athena").stop_query_execution(QueryExecutionId=query)
            raise QueryError(
                f"Athena query {query}: not answered in {PATIENCE_SECONDS:.0f} s; allowed: an answer by then"
            )
        sleep(PAUSE_SECONDS)
    state = found["Status"]["State"]
    if state != "SUCCEEDED":
        raise QueryError(f"Athena query {query}: ended {state}; allowed: SUCCEEDED (Athena's history tells the reason)")
    bucket, _, key = found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return io.StringIO(body.decode("utf-8"), newline="")


def _execution(query: str) -> dict[str, Any]:
    found: dict[str, Any] = client("athena").get_query_execution(QueryExecutionId=query)["QueryExecution"]
    return found
