"""Files that are generated from the contracts, and which of them are stale."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from qol.contracts.adherence_sql import adherence_sql
from qol.contracts.catalog import catalog
from qol.contracts.columns import fixed, table_schemas
from qol.contracts.json_schemas import json_schemas
from qol.contracts.model import Column, Contracts
from qol.contracts.places import Place, table_places
from qol.contracts.routes import ANNOUNCED, ROUTES, announced_sources, garmin_routes
from qol.contracts.templates import render

TABLES = "schemas/tables"
ADHERENCE = "schemas/views/adherence.yaml"
CATALOG = "docs/catalog.md"


def table_yaml(table: str, place: Place, columns: Sequence[Column]) -> str:
    """The flat YAML of one table, one column per line; its name in lower case, as the Glue catalog stores names."""
    return render("table.yaml.j2", table=table, place=place, columns=columns)


def generated(contracts: Contracts) -> dict[str, str]:
    """Text of every generated file, by its path in the project."""
    places = table_places(contracts)
    tables = table_schemas(contracts).items()
    files = {f"{TABLES}/{name}.yaml": table_yaml(name, places[name], columns) for name, columns in tables}
    files[ADHERENCE] = render("view.yaml.j2", columns=fixed("adherence"), sql=adherence_sql(contracts))
    routes = {ROUTES: garmin_routes(contracts), ANNOUNCED: announced_sources(contracts)}
    return {**files, **json_schemas(), CATALOG: catalog(contracts), **routes}


def stale_files(contracts: Contracts, root: Path) -> list[Path]:
    """Generated files of a project that are missing, differ from the contracts, or belong to no table any more."""
    files = generated(contracts)
    stale = [root / file for file, text in files.items() if _text(root / file) != text]
    return sorted([*stale, *_orphans(files, root)])


def write_generated(contracts: Contracts, root: Path) -> list[Path]:
    """Bring the generated files of a project up to date; the files that were written or removed."""
    files = generated(contracts)
    stale = stale_files(contracts, root)
    for path in stale:
        text = files.get(path.relative_to(root).as_posix())
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return stale


def _orphans(files: Mapping[str, str], root: Path) -> list[Path]:
    return [path for path in (root / TABLES).glob("*.yaml") if path.relative_to(root).as_posix() not in files]


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
