"""Pages of a list with an opaque cursor."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from qol.serve.problem_details import invalid
from qol.state import Item


def after(cursor: str | None) -> str:
    """The name that a page follows; 422 for a cursor that no page gave."""
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise invalid("query/cursor", "must be the `next` of a page") from None


def page(shown: Sequence[dict[str, Any]], found: Sequence[Item], limit: int) -> dict[str, Any]:
    """A page of what is shown of documents, and the cursor of the next one; None where this is the last."""
    is_full = len(found) == limit
    cursor = base64.urlsafe_b64encode(found[-1].name.encode()).decode().rstrip("=") if is_full else None
    return {"items": list(shown), "next": cursor}
