"""Write docs/cost.md, or check that it is up to date."""

import argparse
import sys
from pathlib import Path

import jinja2

from benchmarks.cost import model

PAGE = Path(__file__).parents[2] / "docs/cost.md"
CASES = (*map(model.Case, (100, 10_000, 200_000)), model.Case(200_000, gathered=True))


def document() -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(model.FOLDER), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters.update(users=lambda users: f"{round(users, 2 - len(str(users))):,} users")
    bills = [{name: sum(lines.values()) for name, lines in model.bill(case).items()} for case in CASES]
    components = {name: [bill[name] for bill in bills] for name in bills[0]}
    runs = [model.job_run(case) for case in CASES]
    return environment.get_template("cost.md.j2").render(
        model=model, A=model.A, cases=CASES, runs=runs, components=components
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the page; with --check write nothing and give exit code 1 when it is not what the model says now."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when docs/cost.md is stale")
    page = document()
    if not parser.parse_args(arguments).check:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page:
        print("docs/cost.md is not up to date; `python -m benchmarks.cost` writes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
