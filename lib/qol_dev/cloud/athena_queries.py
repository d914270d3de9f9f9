"""Answers for a function that asks Athena: the simulated AWS runs no SQL, so Trino's answer is put where it looks."""

import json
import urllib.request

from qol_dev.cloud.state import REGION, Cloud
from qol_dev.cloud.trino import ask


def answer_next_query(cloud: Cloud, sql: str) -> None:
    """Let Athena's next query end with what Trino answers to `sql`. UsageError when Trino does not run."""
    answer = ask(cloud, sql)
    rows = [{"Data": [{"VarCharValue": str(value)} for value in row]} for row in (answer.columns, *answer.rows)]
    columns = [{"Name": name, "Type": "varchar"} for name in answer.columns]
    document = {"region": REGION, "results": [{"rows": rows, "column_info": columns}]}
    request = urllib.request.Request(  # noqa: S310 (our own server)
        f"{cloud.server('moto').url}/moto-api/static/athena/query-results",
        data=json.dumps(document).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 (as above)
        pass
