"""Templates of the files that are generated from the contracts."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qol.contracts.columns import valid_day
from qol.contracts.raw_path import path_text


def render(template: str, **values: Any) -> str:
    """The text of a template of this folder."""
    return _ENVIRONMENT.get_template(template).render(values)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  Markdown, YAML and Python, of files that the project's own people write
)
_ENVIRONMENT.filters |= {
    "code": _code,
    "codes": _codes,
    "place": lambda path: _code(path_text(path)),
    "number": lambda value: f"{value:.10g}",
    "cell": lambda text: text.replace("|", "\\|"),
    "quoted": lambda text: json.dumps(text, ensure_ascii=False),
    "valid_day": valid_day,
}
_ENVIRONMENT.tests["has"] = lambda names, name: name in names
