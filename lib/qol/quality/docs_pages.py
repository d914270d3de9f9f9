"""Data Docs as Great Expectations writes them, but without what their templates load from the hosts of others."""

import re
from pathlib import Path

_LOADED = re.compile(r"<(script|style)\b.*?</\1>|<(?:link|img)\b[^>]*//[^>]*>", re.DOTALL)
#: In their place: the marks of results, and room around cells.
_STYLE = """<style>
body { font-family: sans-serif; margin: 2em } td, th { padding: .2em 1em; text-align: left; vertical-align: top }
.fa-check-circle::before { content: "ok" } .fa-times::before { content: "failed" }
.fa-exclamation-triangle::before { content: "could not be evaluated" }
footer, button, input, label, [data-toggle=collapse], .card:has(> .card-body.p-3) { display: none }
</style>"""


def load_nothing(folder: Path) -> None:
    """Remove scripts and foreign files from pages just written below a folder, and list the last results, as a script did."""
    written = {page: text for page in sorted(folder.rglob("*.html")) if _STYLE not in (text := page.read_text("utf-8"))}
    results = [page.relative_to(folder).as_posix() for page in written if page.is_relative_to(folder / "validations")]
    links = "".join(f'<li><a href="{name}">{name.split("/")[1]}</a></li>' for name in results)
    for page, text in written.items():
        page.write_text(_LOADED.sub("", text).replace("</head>", f"{_STYLE}</head>"), "utf-8")
    index = f"<!DOCTYPE html><title>Data Docs</title>{_STYLE}<h1>Results of the last run</h1><ul>{links}</ul>\n"
    (folder / "index.html").write_text(index, "utf-8")
