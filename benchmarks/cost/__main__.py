"""Write docs/cost.md, or check that it is up to date."""

import sys
from pathlib import Path

import jinja2

from benchmarks.cost import model

PAGE = Path(__file__).parents[2] / "docs/cost.md"
USERS = (100, 10_000, 200_000)
CASES = (*map(model.Case, USERS), *(model.Case(users, gathered=True) for users in USERS[1:]))


def main(arguments: list[str]) -> None:
    """Write the page; with --check write nothing and leave with 1 when it is not what the model says now."""
    template = (model.FOLDER / "cost.md.j2").read_text(encoding="utf-8")
    page = jinja2.Template(template, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    bills = [{name: sum(lines.values()) for name, lines in model.bill(case).items()} for case in CASES]
    text = page.render(model=model, A=model.A, cases=CASES, runs=[*map(model.job_run, CASES)], bills=bills)
    if arguments != ["--check"]:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/cost.md is not up to date; `python -m benchmarks.cost` writes it")


if __name__ == "__main__":
    main(sys.argv[1:])
