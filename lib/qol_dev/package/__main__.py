"""`python -m qol_dev.package [lock]` in a checkout: build `dist/`, or resolve the locks anew."""

import sys
from pathlib import Path

from qol.cli.failures import explain
from qol.errors import QolError
from qol_dev.package.build import build, glue_lock, lambda_lock


def main(words: list[str]) -> None:
    """Build `dist/` and print its files with their hashes; with `lock`, write the locks."""
    root = Path.cwd()
    if words == ["lock"]:
        glue_lock(root).refresh()
        lambda_lock(root).refresh()
        return
    for path, digest in build(root, root / "dist").items():
        print(f"{digest[:12]}  dist/{path}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except QolError as err:
        sys.exit(explain(err))
