"""Columns of every record table besides those that its contract declares."""

from qol.contracts.fixed_tables import fixed_columns

RECORD_HEAD = fixed_columns("record_head")
RECORD_TAIL = fixed_columns("record_tail")
#: What ingest and merge put beside a record's fields while they work; a field of such a name would be lost.
WORKING_COLUMNS = frozenset(
    [
        "bucket",
        "object_index",
        "range_start",
        "lines_before",
        "line",
        "ok",
        "is_new",
        "person",
        "object",
        "week",
        "border",
        "has_zone",
        "row",
        "receipt",
        "group",
        "position",
    ]
)
#: Names of columns of every record.
RECORD_COLUMNS = tuple(name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL))
#: Names that no field or helper may have.
TAKEN = frozenset({*RECORD_COLUMNS, "date", "where"}) | WORKING_COLUMNS
