"""Print docs/cost.md, write it, or check that it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.cost.page import document

PAGE = Path(__file__).parents[2] / "docs/cost.md"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/cost.md")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when docs/cost.md is stale")
    options = parser.parse_args(arguments)
    if options.write:
        PAGE.write_text(document(), encoding="utf-8")
    elif not options.check:
        print(document(), end="")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != document():
        print("docs/cost.md is not up to date; `python -m benchmarks.cost --write` writes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
