"""Examples of a contract: raw lines, each with what becomes of it."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from qol.contracts import language as lang
from qol.contracts.reasons import ISSUE_REASONS, REJECT_REASONS
from qol.contracts.wording import choices


def _issue(text: str) -> str:
    if text.rpartition(" ")[2] not in ISSUE_REASONS:
        raise lang.refusal(f"a text that ends in one of {choices(ISSUE_REASONS)}")
    return text


def _reason(text: str) -> str:
    if text not in REJECT_REASONS:
        raise lang.refusal(choices(REJECT_REASONS, text))
    return text


def _line(raw: Any) -> Any:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")) if isinstance(raw, dict) else raw


class Example(lang.Model):
    """One raw line with what becomes of it: expect (and nulled), or reject."""

    name: lang.Text
    """What the line shows."""
    arrival: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The raw partition's date."""
    raw: Annotated[str, BeforeValidator(_line, json_schema_input_type=dict[str, Any] | str)]
    """The record, or the line as it stands when it is not a record."""
    expect: lang.Maybe[lang.Filled[lang.Name, Any]] = None
    """Columns of the stored record; those not named are not compared."""
    expect_daily: lang.Maybe[lang.Filled[lang.Name, Any]] = None
    """Daily metrics (and `worn`) of the record's day when a user has this record alone, null included; a number is compared to the decimals written here."""
    nulled: tuple[Annotated[lang.Text, AfterValidator(_issue)], ...] = ()
    """The record's value_issues: '<raw path>: <value> <reason>'."""
    reject: lang.Maybe[Annotated[str, AfterValidator(_reason)]] = None
    """Reason code when the record is rejected."""
