"""Rows of a query as a table, as a list per wide row, as CSV or as JSON."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from qol.cli.show import cell, say, table
from qol.contracts.wording import clean, count, cut

Form = Literal["table", "csv", "json"]
FormatOption = Annotated[
    Form,
    typer.Option(
        "--format",
        help="How rows are printed; json has texts as they are, csv none that a spreadsheet or terminal runs.",
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Rows a table shows; csv and json have all.")]

#: Longer raw items are cut.
MAX_CHARACTERS = 500
#: A row with more columns is shown as a table of its own.
MAX_COLUMNS = 12

#: What a spreadsheet takes for the start of a formula; `clean` has escaped tabs and line ends.
FORMULA_STARTS = ("=", "+", "-", "@")

Row = Sequence[Any]


def print_answer(columns: Sequence[str], rows: Iterable[Row], form: Form, limit: int) -> None:
    """Print rows on standard output; a table shows `limit` rows, the other formats all."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_flat(value) for value in row] for row in rows)
    elif form == "json":
        for line in _json_lines(columns, rows):
            typer.echo(line)
    else:
        _show(columns, iter(rows), limit)


def _show(columns: Sequence[str], rows: Iterator[Row], limit: int) -> None:
    shown = list(islice(rows, limit))
    more = next(rows, None) is not None
    if len(columns) == 1 and any(isinstance(row[0], str) and "\n" in row[0] for row in shown):
        for line in (line for row in shown for line in cell(row[0]).split("\n")):
            say(line)  # texts of several lines, such as a statement, without a frame, so that they can be copied
    elif len(columns) <= MAX_COLUMNS:
        table("", columns, [[_short(value) for value in row] for row in shown])
    else:
        _show_lists(columns, shown)
    say(f"The first {count(limit, 'row')}; --limit shows more." if more else count(len(shown), "row"))


def _show_lists(columns: Sequence[str], rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows, 1):
        known = [(name, _short(value)) for name, value in zip(columns, row, strict=True) if value is not None]
        nulls = len(row) - len(known)
        table(f"Row {number}" + (f", {count(nulls, 'column')} null" if nulls else ""), ("column", "value"), known)


def _short(value: Any) -> Any:
    if isinstance(value, bytes | dict):
        return cut(cell(value), MAX_CHARACTERS)
    return ", ".join(cell(each) for each in value) if isinstance(value, list) else value


def _flat(value: Any) -> Any:
    """A value for CSV: exact numbers, ISO times, lists and structures as JSON; no text is a formula or steers a terminal."""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, default=_plain)
    if isinstance(value, str | bytes):
        text = clean(value if isinstance(value, str) else _plain(value))
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return value if value is None or isinstance(value, int | float) else _plain(value)


def _json_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    before = "["
    for row in rows:
        named = dict(zip(columns, row, strict=True))
        yield f"{before}{json.dumps(named, default=_plain)}"
        before = ","
    yield "]" if before == "," else "[]"


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
