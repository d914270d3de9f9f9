"""The shape of a contract file: its JSON Schema, and schema errors as problems with a place and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from qol.contracts.wording import choices, shown
from qol.errors import Problem


class Shape:
    """A JSON Schema beside the contract files, read once."""

    def __init__(self, schema: Path) -> None:
        self._validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))

    def problems(self, data: Any, file: str) -> list[Problem]:
        """What in the data does not fit the schema."""
        return [
            Problem(file, ".".join(at), found, allowed)
            for error in self._validator.iter_errors(data)
            for at, found, allowed in _explained(error)
        ]


def _explained(error: ValidationError) -> Iterator[tuple[list[str], str, str]]:
    at = [str(step) for step in error.absolute_path]
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    instance: Any = error.instance
    required: Any = error.validator_value
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        for key in [str(key) for key in instance if key not in known]:
            yield [*at, key], "an unknown key", choices(known, key)
    elif error.validator == "required":
        missing = next(key for key in required if f"'{key}' is" in error.message)
        yield [*at, missing], "nothing", f"required: {_meaning(schema, missing)}"
    elif "propertyNames" in error.absolute_schema_path:
        yield [*at, str(instance)], f"the name {shown(instance)}", "lower snake case"
    else:
        yield at, shown(instance), _allowed(error)


def _meaning(schema: Mapping[str, Any], key: str) -> str:
    described = schema.get("properties", {}).get(key, {})
    return str(described.get("description") or " or ".join(described.get("enum", ())) or key)


_ALLOWED: Mapping[str, Callable[[Any], str]] = {
    "type": lambda value: " or ".join([value] if isinstance(value, str) else value),
    "enum": lambda value: ", ".join(map(str, value)),
    "pattern": lambda value: f"text like {value}",
    "minItems": lambda value: f"at least {value} entries",
    "maxItems": lambda value: f"at most {value} entries",
    "minProperties": lambda value: f"at least {value} entries",
    "minLength": lambda value: f"at least {value} characters",
    "uniqueItems": lambda _: "each entry once",
    "minimum": lambda value: f"{value} or more",
    "maximum": lambda value: f"{value} or less",
    "exclusiveMinimum": lambda value: f"more than {value}",
    "exclusiveMaximum": lambda value: f"less than {value}",
}


def _allowed(error: ValidationError) -> str:
    describe = _ALLOWED.get(str(error.validator))
    return describe(error.validator_value) if describe else error.message
