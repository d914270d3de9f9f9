"""`python -m qol_dev.package [lock]` in a checkout: build `dist/`, or resolve the locks anew.

A build imports nothing but Python's own library and this project, so that no package of a developer's environment can change
what goes to AWS.
"""

import sys
from pathlib import Path

from qol.errors import QolError
from qol_dev.package.build import build, locks


def main(words: list[str]) -> None:
    """Build `dist/` and print its files with their hashes; with `lock`, write the locks."""
    root = Path.cwd()
    if words == ["lock"]:
        for lock in locks(root):
            lock.refresh()
        return
    for path, digest in build(root, root / "dist").items():
        print(f"{digest[:12]}  dist/{path}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except QolError as err:
        print(err, file=sys.stderr)
        sys.exit(err.exit_code)
