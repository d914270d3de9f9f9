"""Lines of JSON that are stored, such as manifests: each is checked against its JSON Schema first."""

import json
from functools import cache
from typing import Any

import msgspec
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from qol.contracts.roots import default_root, own_or_shipped


def checked_line(value: msgspec.Struct, file: str) -> bytes:
    """The value as a line of JSON; jsonschema's ValidationError when it does not fit the schema `file`."""
    line = msgspec.json.encode(value)
    _validator(file).validate(json.loads(line))
    return line + b"\n"


@cache
def stored_schema(file: str) -> dict[str, Any]:
    """The JSON Schema in a file beside the contracts, or the product's own."""
    schema: dict[str, Any] = json.loads(own_or_shipped(default_root(), file).read_text(encoding="utf-8"))
    return schema


@cache
def _validator(file: str) -> Validator:
    schema = stored_schema(file)
    return validator_for(schema)(schema)
