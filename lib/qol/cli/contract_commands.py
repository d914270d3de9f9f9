"""`qol contracts`: check, list, show and document the contracts in `schemas/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.answers import FormatOption, LimitOption, print_answer
from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import say, table, warn
from qol.contracts.raw_path import path_text
from qol.contracts.wording import count, nearest
from qol.errors import ContractError, UsageError

if TYPE_CHECKING:
    from qol.contracts.fields import Field
    from qol.contracts.model import Contracts
    from qol.contracts.source import Example, SourceContract

app = typer.Typer(no_args_is_help=True, help="Check, list, show and document the contracts.")


def _load(schemas: Path | None) -> Contracts:
    from qol.contracts.load import load_contracts
    from qol.contracts.model import DAILY

    if schemas is not None and not (schemas / DAILY).is_file():
        raise UsageError(f"--schemas (or QOL_SCHEMAS) {schemas}: no {DAILY} there; allowed: a folder with contracts")
    return load_contracts(schemas.resolve() if schemas else None)


@app.command()
def check(schemas: SchemasOption = None) -> None:
    """Check all contracts; problems are listed with place, value found and what is allowed, warnings with what is better."""
    from qol.contracts.contract_warnings import contract_warnings
    from qol.ingest.examples import example_problems

    contracts = _load(schemas)
    problems = list(example_problems(contracts))
    if problems:
        raise ContractError(problems)
    for found in contract_warnings(contracts):
        warn(f"warning: {found.file}: {found.path}: {found.value}; better: {found.allowed}", style="yellow")
    examples = sum(len(contract.examples) for contract in contracts.sources)
    sources = count(len(contracts.sources), "source contract")
    say(f"{contracts.root}: {sources}, {len(contracts.metrics)} daily metrics, {count(examples, 'example')}: all fit.")


@app.command("list")
def list_contracts(schemas: SchemasOption = None) -> None:
    """List the source contracts."""
    contracts = _load(schemas)
    rows = [(c.name, ", ".join(c.paths), len(c.fields), ", ".join(c.gives)) for c in contracts.sources]
    table(f"Contracts in {contracts.root}", ("contract", "raw folders", "fields", "daily metrics it gives"), rows)
    say("Show one contract or table: qol contracts show NAME")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A contract such as garmin_dailies, or a table such as weekly_metrics.")],
    schemas: SchemasOption = None,
) -> None:
    """Show a contract's fields and examples, or a table's columns."""
    from qol.contracts.columns import table_schemas

    contracts = _load(schemas)
    tables = table_schemas(contracts)
    if name in contracts.by_name:
        _show_contract(contracts.by_name[name])
    elif name in tables:
        table(name, ("column", "type", "meaning"), [(c.name, c.type, c.comment) for c in tables[name]])
    else:
        known = [*contracts.by_name, *tables]
        raise UsageError(
            f"{name}: no such contract; nearest: {', '.join(nearest(name, known))}; see qol contracts list"
        )


def _show_contract(contract: SourceContract) -> None:
    say(f"{contract.name} ({contract.file})", style="bold")
    say(contract.description)
    say()
    say(f"raw folders: {', '.join(contract.paths)}")
    without = f", without it {', '.join(contract.key_without)}" if contract.key_without else ""
    say(
        f"key: user_id, {', '.join(contract.key)}{without}; later record: {', '.join([*contract.version, 'received_at'])}"
    )
    fields = [(f.name, _raw(f), f.type, f.unit or "", _allowed(f), f.description) for f in contract.fields]
    table("Fields", ("column", "raw path", "type", "unit", "allowed", "meaning"), fields)
    parts = [(n, f"{p.over} of {p.value}{f' where {p.where}' if p.where else ''}") for n, p in contract.parts.items()]
    table("Daily metrics", ("metric", "formula"), [*contract.daily.items(), *parts])
    for example in contract.examples:
        _show_example(example)


def _raw(field: Field) -> str:
    paths = " or ".join(path_text(path) for path in field.paths)
    return f"{field.samples.reduce} of {paths}" if field.samples else paths


def _allowed(field: Field) -> str:
    rule: Any = field.samples or field
    parts = [f"{rule.low:.10g} to {rule.high:.10g}"] if rule.low is not None and rule.high is not None else []
    parts += [f"{value:g} = no value" for value in field.sentinels]
    return ", ".join(parts)


def _show_example(example: Example) -> None:
    say(f"Example: {example.name} (arrives {example.arrival})", style="bold")
    say(f"  {example.raw}")
    if example.reject:
        say(f"  rejected: {example.reject}")
    for name, value in (example.expect or {}).items():
        say(f"  {name} = {'null' if value is None else value}")
    for issue in example.nulled:
        say(f"  became null or was corrected: {issue}")


@app.command()
def drift(
    lake: LakeOption = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many of the newest runs are read.")] = 20,
    form: FormatOption = "table",
    limit: LimitOption = 100,
    schemas: SchemasOption = None,
) -> None:
    """Show fields of records that no contract knows, declared fields without any value, and null rates that changed."""
    from itertools import islice

    from qol.quality.drift import Drift, field_drift, unknown_drift
    from qol.tables.manifest import read_manifests

    opened, contracts = open_existing(lake), _load(schemas)
    found = unknown_drift(islice(read_manifests(opened), runs)) + field_drift(opened, contracts)
    print_answer(Drift._fields, found, form, limit)


@app.command()
def docs(
    schemas: SchemasOption = None,
    only_check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a file is stale.")] = False,
) -> None:
    """Write the generated files: the catalog page, a flat file per table, JSON Schemas for editors, the webhook's routes."""
    from qol.contracts.generated import stale_files, write_generated

    contracts = _load(schemas)
    if contracts.root.name != "schemas":
        raise UsageError(f"{contracts.root}: not a project's contracts; allowed: a folder named schemas in a project")
    project = contracts.root.parent
    paths = stale_files(contracts, project) if only_check else write_generated(contracts, project)
    if only_check and paths:
        warn(f"{count(len(paths), 'generated file')} not up to date; `qol contracts docs` writes them:", style="red")
        warn("\n".join(f"  {path}" for path in paths))
        raise typer.Exit(1)
    say("Generated files are up to date." if not paths else f"Wrote {count(len(paths), 'file')}:")
    for path in paths:
        say(f"  {path}")
