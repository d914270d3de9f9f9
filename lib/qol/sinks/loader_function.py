"""The function that loads a database on AWS after each successful run; its image has the extra `load`."""

import json
import os
from typing import Any

from qol.contracts.load import load_contracts
from qol.errors import DatabaseError, QolError, safe_place
from qol.lake import open_lake
from qol.sinks.choice import choose, table_names
from qol.sinks.database import database_url
from qol.sinks.load_job import load


def handler(_: object, __: object) -> dict[str, Any]:
    """Load QOL_LAKE into the database of QOL_DATABASE_URL and QOL_DATABASE_SECRET; how many partitions and rows.

    QOL_TABLES has names separated by commas. QolError of this project when it cannot; Lambda tries twice more.
    """
    try:
        lake, contracts, url = open_lake(os.environ["QOL_LAKE"]), load_contracts(), database_url(None)
        names = table_names([os.environ.get("QOL_TABLES", "")])
        result = load(lake, url, choose(contracts, names, lake, url))
    except QolError:
        raise
    except Exception as err:  # noqa: BLE001 (Lambda logs the text of an error, which could hold a value)
        raise DatabaseError(f"unexpected error: {safe_place(err)}") from None
    done = {"partitions": len(result.rows), "emptied": len(result.emptied), "rows": sum(result.rows.values())}
    print(json.dumps({"message": "loaded", **done}))  # noqa: T201 (the function's log)
    return done
