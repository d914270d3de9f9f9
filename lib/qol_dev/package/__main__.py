"""`python -m qol_dev.package [build|lock]`, from the root of a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

from qol.cli.failures import explain
from qol.cli.show import say
from qol.errors import QolError, UsageError
from qol_dev.package.build import Project, build

DIST = "dist"


def main(words: list[str]) -> None:
    """Build `dist/`, or write the locks anew."""
    project = Project(Path.cwd())
    if not (project.root / "glue_jobs").is_dir():
        raise UsageError(f"{project.root}: no checkout; allowed: the folder with pyproject.toml and glue_jobs/")
    if words in ([], ["build"]):
        for path, digest in build(project, project.root / DIST).items():
            say(f"{(project.root / DIST / path).stat().st_size:>11,}  {digest[:12]}  {DIST}/{path}")
    elif words == ["lock"]:
        for lock in (project.glue_lock(), project.lambda_lock()):
            lock.refresh()
            say(f"{lock.path.relative_to(project.root)}: {len(lock.pins())} wheels")
    else:
        raise UsageError(f"{' '.join(words)}: unknown; allowed: build, lock")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except QolError as err:
        sys.exit(explain(err))
