"""`qol contracts`: check, list, show, search, begin and document the contracts in `schemas/`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.answers import FormatOption, LimitOption, print_answer
from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import command, say, table, warn
from qol.contracts.raw_path import path_text
from qol.contracts.wording import count, nearest, shown
from qol.errors import ContractError, Problem, UsageError

if TYPE_CHECKING:
    from qol.contracts.example import Example
    from qol.contracts.fields import Field
    from qol.contracts.model import Contracts
    from qol.contracts.source import SourceContract

app = typer.Typer(no_args_is_help=True, help="Check, list, show, search, begin and document the contracts.")


def _load(schemas: Path | None, *, skip_unfinished: bool = False) -> Contracts:
    from qol.contracts.load import load_contracts
    from qol.contracts.roots import DAILY

    if schemas is not None and not (schemas / DAILY).is_file():
        raise UsageError(f"--schemas (or QOL_SCHEMAS) {schemas}: no {DAILY} there; allowed: a folder with contracts")
    return load_contracts(schemas.resolve() if schemas else None, skip_unfinished=skip_unfinished)


@app.command()
def check(schemas: SchemasOption = None) -> None:
    """Check contracts and mappings; problems have place, value found and what is allowed, warnings what is better."""
    from qol.contracts.contract_warnings import contract_warnings
    from qol.ingest.example_coverage import coverage_problems
    from qol.sinks.mapping import FOLDER, read_mappings
    from qol.transform.daily_examples import example_problems

    contracts = _load(schemas)
    problems = [*example_problems(contracts), *coverage_problems(contracts)]
    if problems:
        raise ContractError(problems)
    if (contracts.root / FOLDER).is_dir():  # those of the product are not the mistakes of a study without mappings
        read_mappings(contracts)
    for found in (*contract_warnings(contracts), *_label_warnings(contracts)):
        warn(f"warning: {found.file}: {found.path}: {found.value}; better: {found.allowed}", style="yellow")
    examples = sum(len(contract.examples) for contract in contracts.sources)
    sources = count(len(contracts.sources), "source contract")
    say(f"{contracts.root}: {sources}, {len(contracts.metrics)} daily metrics, {count(examples, 'example')}: all fit.")


def _label_warnings(contracts: Contracts) -> Iterator[Problem]:
    """Labels of reports that are missing or hard to read; Japanese ones of the project's own contracts only."""
    from qol.contracts.roots import DAILY, WEEKLY
    from qol.report.locales import FOLDER, unnamed, unreadable_labels

    for name, label in unreadable_labels(contracts):
        found = f"a description whose start, {shown(label)}, is the label in reports"
        yield Problem(
            DAILY if name in contracts.metric else WEEKLY, name, found, "a few words, then a comma or full stop"
        )
    project, file = contracts.root.parent, FOLDER / "ja.yaml"
    for kind, name in unnamed(contracts, "ja") if file.is_relative_to(project) else ():
        place = file.relative_to(project).as_posix()
        yield Problem(place, f"{kind}.{name}", "no Japanese name", "one, or reports show the English text")


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
    form: FormatOption = "table",
    schemas: SchemasOption = None,
) -> None:
    """Show a contract's fields and examples, or a table's columns; csv and json are the table's data dictionary."""
    from qol.cli.dictionary_rows import DictionaryRow, dictionary_rows
    from qol.contracts.columns import table_schemas

    contracts = _load(schemas)
    tables = table_schemas(contracts)
    own_table = f"records_{name}" if name in contracts.by_name else name
    if form != "table" and own_table in tables:
        print_answer(DictionaryRow._fields, dictionary_rows(contracts, own_table), form, len(tables[own_table]))
    elif name in contracts.by_name:
        _show_contract(contracts.by_name[name])
    elif name in tables:
        table(name, ("column", "type", "meaning"), [(c.name, c.type, c.comment) for c in tables[name]])
    else:
        known = [*contracts.by_name, *tables]
        raise UsageError(
            f"{name}: no such contract; nearest: {', '.join(nearest(name, known))}; see qol contracts list"
        )


@app.command()
def find(
    words: Annotated[
        list[str], typer.Argument(metavar="WORD...", help="Words in English or Japanese, such as steps or 歩数.")
    ],
    form: FormatOption = "table",
    limit: LimitOption = 100,
    schemas: SchemasOption = None,
) -> None:
    """Find columns of all tables by words in their name, labels, unit, group, meaning or place in the raw record."""
    from qol.cli.dictionary_rows import DictionaryRow, found_rows
    from qol.contracts.columns import table_schemas

    contracts = _load(schemas)
    found = list(found_rows(contracts, words))
    if not found:
        names = dict.fromkeys(column.name for columns in table_schemas(contracts).values() for column in columns)
        raise UsageError(
            f"no column has all of: {' '.join(words)}; nearest names: {', '.join(nearest(words[0], names))}"
        )
    if form != "table":
        print_answer(DictionaryRow._fields, found, form, limit)
        return
    shown = [(row.table, row.column, row.unit, row.label_ja, row.meaning) for row in found]
    print_answer(("table", "column", "unit", "label_ja", "meaning"), shown, form, limit)


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
def new(
    name: Annotated[str, typer.Argument(metavar="SOURCE/RECORD", help="The new type, such as acme/weighings.")],
    sample: Annotated[Path, typer.Option("--from", metavar="FILE", help="JSON lines of this type, also gzipped.")],
    person: Annotated[str | None, typer.Option(help="Path of the person's id, if no key looks like one.")] = None,
    schemas: SchemasOption = None,
) -> None:
    """Write the first contract of a record type from sample lines; what they do not tell is a gap to fill in."""
    from qol.contracts.gaps import GAP
    from qol.ingest.first_contract import first_contract

    contracts = _load(schemas, skip_unfinished=True)
    file = contracts.root / "sources" / f"{name}.yaml"
    known = {contract.source for contract in contracts.sources}
    source, record = _new_type(name, known)
    if file.exists():
        raise UsageError(f"{file}: exists; allowed: a new name, or a removed file")
    if not sample.is_file():
        raise UsageError(f"--from {sample}: no such file; allowed: a file with JSON lines")
    found = first_contract(contracts, (source, record), sample.read_bytes(), person)
    file.parent.mkdir(exist_ok=True)
    file.write_text(found.text, encoding="utf-8")
    if source not in known:
        say(f"{source} is a new source; the contracts have {', '.join(sorted(known))}.")
    for note in found.notes:
        say(note)
    again = command("contracts", "check", *(("--schemas", schemas) if schemas else ()))
    say(f"Wrote {file} with {count(found.text.count(GAP), 'gap')} to fill in; then: {again}")


def _new_type(name: str, sources: Collection[str]) -> tuple[str, str]:
    """Source and record of a new contract; UsageError for a name that none can have, or a source misspelled."""
    source, slash, record = name.partition("/")
    if not all(re.fullmatch("[a-z][A-Za-z0-9_]*", part) for part in (source, record)):
        allowed = "SOURCE/RECORD, each a lower-case letter and then letters, digits and _"
        raise UsageError(f"{name}: no name of a contract; allowed: {allowed}")
    if source not in sources and (like := get_close_matches(source, sources, 1, cutoff=0.8)):
        raise UsageError(f"{source}: almost the source {like[0]}; allowed: {like[0]}{slash}{record}, or another name")
    return source, record


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
    for done, of in (("Wrote", [p for p in paths if p.exists()]), ("Removed", [p for p in paths if not p.exists()])):
        if of:
            say(f"{done} {count(len(of), 'file')}:")
        for path in of:
            say(f"  {path}")
    if not paths:
        say("Generated files are up to date.")
