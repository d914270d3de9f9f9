"""Data Docs as Great Expectations renders them, but without what their templates load from other places."""

import re
from collections.abc import Mapping
from pathlib import Path

from qol.errors import LakeError

_LOADED = re.compile(r"<(script|style)\b.*?</\1>|<(?:link|img)\b[^>]*>", re.DOTALL)
#: In their place: the marks of results, and room around cells.
_STYLE = """<style>
body { font-family: sans-serif; margin: 2em } td, th { padding: .2em 1em; text-align: left; vertical-align: top }
.fa-check-circle::before { content: "ok" } .fa-times::before { content: "failed" }
footer, button, input, label, [data-toggle=collapse], .card:has(> .card-body.p-3) { display: none }
</style>"""


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Write pages, by their place below a folder, without scripts and styles, and a first page that lists them.

    LakeError when they cannot be written there.
    """
    links = "".join(f'<li><a href="{place}">{place.split("/")[1]}</a></li>' for place in pages)
    index = f"<!DOCTYPE html><title>Data Docs</title>{_STYLE}<h1>Results of the last run</h1><ul>{links}</ul>\n"
    texts = {place: _LOADED.sub("", text).replace("</head>", f"{_STYLE}</head>") for place, text in pages.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, text in {**texts, "index.html": index}.items():
            page = folder / place
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, "utf-8")
    except OSError as err:
        message = f"{folder}: Data Docs cannot be written there ({err.strerror})"
        raise LakeError(f"{message}; make it a writable folder, or leave them out with --no-docs") from err
