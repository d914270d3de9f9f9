"""Values that carry their type in a key, as tables on AWS export them, to plain JSON."""

from __future__ import annotations

from typing import Any


def plain_dynamodb(node: Any) -> Any:
    """The document with `{"N": "21.5"}`, `{"S": "x"}`, `{"BOOL": true}`, `{"NULL": true}`, `{"M": {}}` and `{"L": []}` undone.

    Numbers stay the texts they are, so that no digit is lost; an object that is not exactly one such value stays itself.
    """
    if isinstance(node, list):
        return [plain_dynamodb(element) for element in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(kind, value)] = node.items()
        if kind == "NULL" and value is True:
            return None
        if isinstance(value, _TYPES.get(kind, ())):
            return plain_dynamodb(value) if kind in "ML" else value
    return {name: plain_dynamodb(value) for name, value in node.items()}


_TYPES: dict[str, type | tuple[type, ...]] = {"S": str, "N": (str, int, float), "BOOL": bool, "M": dict, "L": list}
