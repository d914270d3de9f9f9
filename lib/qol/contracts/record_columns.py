"""Columns of every record table besides those that its contract declares."""

#: What every record row carries besides the declared fields; (name, type, comment).
RECORD_HEAD: tuple[tuple[str, str, str], ...] = (
    ("user_id", "string", "Pseudonymous person key: the user map's entry, else a keyed HMAC-SHA-256."),
    ("record_key", "string", "Values of the contract's key fields, joined by '|'; one row per week, person and key."),
    ("day", "date", "Local calendar day the record describes."),
    ("day_rule", "string", "How the day was found: provider, offset, zone or arrival."),
    ("source_timestamp", "timestamp", "Start of what the record describes, UTC."),
    ("received_at", "timestamp", "When the receiver took the record in, UTC; null when it was not stamped."),
    ("arrival_date", "date", "UTC day the record arrived: of received_at, else the raw partition's date."),
    ("utc_offset_seconds", "bigint", "Local time minus UTC at the start: the record's own, else the person's zone's."),
)
RECORD_TAIL: tuple[tuple[str, str, str], ...] = (
    ("value_issues", "array<string>", "Values that became null or were corrected: '<field>: <value> <reason>'."),
    ("raw_object", "string", "SHA-256 of the raw object's key; docs/why-is-it-missing.md says how to get to the file."),
    ("line_number", "bigint", "Line in the raw object, from 1."),
)
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
        "receipt",
        "group",
        "position",
    ]
)
#: Names of columns of every record.
RECORD_COLUMNS = tuple(name for name, _, _ in (*RECORD_HEAD, *RECORD_TAIL))
#: Names that no field or helper may have.
TAKEN = frozenset({*RECORD_COLUMNS, "date", "where"}) | WORKING_COLUMNS
