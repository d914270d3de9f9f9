"""Data Docs of a run: written into a lake that is a folder, put into one that is elsewhere."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qol.errors import LakeError
from qol.lake import Lake, LocalLake

DOCS = "_docs/"
INDEX = f"{DOCS}index.html"


@contextmanager
def docs_folder(lake: Lake, *, wanted: bool) -> Iterator[Path | None]:
    """A folder to write to; what is in it at the end, however the run ended, is in the lake below `_docs/`."""
    if not wanted:
        yield None
    elif isinstance(lake, LocalLake):
        yield lake.root / DOCS.rstrip("/")
    else:
        with tempfile.TemporaryDirectory(prefix="qol-docs-") as folder:
            try:
                yield Path(folder)
            finally:
                # Docs that cannot be put must not hide why a run failed.
                with suppress(*([LakeError] if sys.exc_info()[0] else [])):
                    for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                        lake.put(DOCS + file.relative_to(folder).as_posix(), file.read_bytes())
