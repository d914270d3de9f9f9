"""The reference of the API as a page, from its OpenAPI: `python -m qol.serve.reference docs/api-reference.md`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qol.serve.api import bare_app
from qol.serve.openapi import ERRORS

_HEAD = """# Reference of the API
Generated from its OpenAPI by `make docs`; do not edit. [api.md](api.md) says how to use it.

A caller needs one of the scopes of a route: `me:*` are those of participants' tokens, the others those of keys.
Answers of 304 and of 4xx and 5xx have no values. Every error is a problem (RFC 9457, `application/problem+json`):

| status | meaning |
|---|---|
"""


def reference(schema: dict[str, Any]) -> str:
    """The page's text."""
    errors = "".join(f"| {status} | {text} |\n" for status, text in ERRORS.items())
    return _HEAD + errors + "".join(_operations(schema))


def _operations(schema: dict[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"\n## {method.upper()} {path}\n{operation['description']}\n\n"
            yield from _facts(operation)


def _facts(operation: dict[str, Any]) -> Iterator[str]:
    scopes = operation.get("x-scopes")
    yield f"- Scopes: {', '.join(f'`{scope}`' for scope in scopes)}\n" if scopes else "- Needs no token.\n"
    good = [f"{status} {answer['description']}" for status, answer in operation["responses"].items() if status < "300"]
    yield f"- Answers: {'; '.join(good)}\n"
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            text = parameter.get("description", "")
            yield (
                f"- {parameter['in'].capitalize()} `{parameter['name']}`: {_type(parameter['schema'])}. {text}".rstrip()
                + "\n"
            )
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        members = content["schema"].get("properties", {})
        shown = (f"`{name}` ({_type(member)})" for name, member in members.items())
        yield f"- Body: `{media}` with {', '.join(shown)}\n"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    return str(schema.get("type", "object"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(bare_app().openapi()), encoding="utf-8")
