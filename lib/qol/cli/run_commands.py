"""`qol run`, `qol backfill`, `qol rebuild`: the same run with another scope."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from qol.cli.data_docs import docs_folder
from qol.cli.options import (
    LakeOption,
    NowOption,
    WeekOption,
    find_key,
    open_existing,
    parse_date,
    parse_now,
)
from qol.cli.show import say
from qol.errors import UsageError

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.identity.user_map import UserMap
    from qol.lake import Lake
    from qol.run.engine import Engine
    from qol.run.pipeline import RunOptions
    from qol.tables.manifest import Manifest

#: Less raw text than this is read faster in this process than worker processes start.
SMALL_BYTES = 24 * 2**20
#: Gets the manifest of a run these commands make, however it ends; the Glue job makes metrics of it.
manifest_taker: ContextVar[Callable[[Manifest], None]] = ContextVar("manifest_taker")


@dataclass(frozen=True)
class Settings:
    """Options that every kind of run has; each field is an option of the three commands."""

    lake: LakeOption = None
    now: NowOption = None
    week: WeekOption = None
    engine: Annotated[Literal["local", "spark"], typer.Option("--engine", help="What does the work.")] = "local"
    master: Annotated[str, typer.Option("--master", help="Spark master; `none` takes the cluster's own session.")] = (
        "local[*]"
    )
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes of the local engine; by default one per core.")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute and check everything, write nothing.")] = False
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="CHECK_ID", help="Publish although this check fails.")
    ] = None
    zone: Annotated[str, typer.Option("--zone", help="Time zone of people whose records and map entry name none.")] = (
        "Asia/Tokyo"
    )
    user_map: Annotated[
        str | None,
        typer.Option(
            "--user-map",
            metavar="FILE",
            help="JSON lines: source, vendor_user_id, user_id[, timezone, from, to]; or dynamodb:TABLE.",
        ),
    ] = None
    key_secret: Annotated[
        str | None, typer.Option("--key-secret", metavar="NAME", help="Secret in AWS Secrets Manager with the key.")
    ] = None
    kms_key: Annotated[
        str | None, typer.Option("--kms-key", metavar="ARN", help="KMS key for what is published, on S3 only.")
    ] = None
    database: Annotated[
        str | None, typer.Option("--database", help="Glue database where partitions are registered, on S3 only.")
    ] = None
    job_run_id: Annotated[str | None, typer.Option("--job-run-id", help="The scheduler's own name of this run.")] = None
    no_docs: Annotated[bool, typer.Option("--no-docs", help="Leave Great Expectations' Data Docs unwritten.")] = False


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of Settings as options after its own; it gets them as its first argument."""

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        settings = Settings(**{field.name: given.pop(field.name) for field in fields(Settings)})
        command(settings, **given)

    hints = {**get_type_hints(command, include_extras=True), **get_type_hints(Settings, include_extras=True)}
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]
    shared = list(inspect.signature(Settings).parameters.values())
    parameters = [p.replace(annotation=hints[p.name], kind=inspect.Parameter.KEYWORD_ONLY) for p in [*own, *shared]]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


@_with_settings
def run(
    settings: Settings,
    raw_days: Annotated[
        int, typer.Option("--raw-days", min=1, max=36_500, help="Read at least this many arrival days.")
    ] = 14,
    trigger: Annotated[Literal["schedule", "manual"], typer.Option("--trigger", help="Who started it.")] = "manual",
) -> None:
    """Read what arrived, compute the weeks it touches, check them, publish them."""
    perform(settings, raw_days=raw_days, trigger=trigger)


@_with_settings
def backfill(
    settings: Settings,
    first: Annotated[str, typer.Option("--from", help="First arrival day to read, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last arrival day to read.")],
) -> None:
    """Read chosen arrival days again; each record goes to the week of its own day."""
    from qol.ingest.listing import Window

    window = Window(parse_date("--from", first), parse_date("--to", last))
    if window.first is not None and window.first > window.last:
        raise UsageError(f"--from {first}: later than --to {last}; allowed: the same day or an earlier one")
    perform(settings, trigger="backfill", backfill=window)


@_with_settings
def rebuild(
    settings: Settings,
    first: Annotated[str | None, typer.Option("--from-week", help="First week; by default the oldest.")] = None,
    last: Annotated[str | None, typer.Option("--to-week", help="Last week; by default the newest.")] = None,
) -> None:
    """Make weeks, and those that look back on them, again from the records of the lake, without reading raw objects."""
    from qol.tables.weeks import parse_week

    weeks = (
        parse_week(first, "--from-week") if first else date.min,
        parse_week(last, "--to-week") if last else date.max,
    )
    if weeks[0] > weeks[1]:
        raise UsageError(f"--from-week {first}: later than --to-week {last}; allowed: the same week or an earlier one")
    perform(settings, trigger="rebuild", rebuild=weeks)


def perform(settings: Settings, **scope: Any) -> None:
    """Run, and say what was published."""
    from qol.cli.run_report import no_records, report

    lake, contracts, manifest = execute(settings, **scope)
    report(
        lake,
        contracts,
        manifest,
        dry_run=settings.dry_run,
        docs=_wants_docs(settings),
        examples=settings.job_run_id is None,
    )
    if "rebuild" in scope and not manifest.tables:
        say(no_records(lake, contracts, *scope["rebuild"]))


def execute(settings: Settings, **scope: Any) -> tuple[Lake, Contracts, Manifest]:
    """Check the options and run; an error that ends the run carries the place of its manifest."""
    from qol.cli.run_report import RunWatch
    from qol.contracts.load import load_contracts
    from qol.run.pipeline import run as run_pipeline

    lake = open_existing(settings.lake, kms_key=settings.kms_key, database=settings.database)
    contracts = load_contracts()
    options = _options(settings, contracts, lake, scope)
    with docs_folder(lake, wanted=_wants_docs(settings)) as docs:
        options = replace(options, docs=docs, finished=manifest_taker.get(options.finished))
        with RunWatch(lake, options) as watch:
            return lake, contracts, run_pipeline(lake, contracts, options, _engine(settings), watch.stage)


def _wants_docs(settings: Settings) -> bool:
    return not (settings.no_docs or settings.dry_run)


def _options(settings: Settings, contracts: Contracts, lake: Lake, scope: dict[str, Any]) -> RunOptions:
    from qol.contracts.raw_values import is_zone
    from qol.identity.pseudonyms import Identities
    from qol.run.pipeline import RunOptions
    from qol.tables.weeks import last_closed_week, parse_week

    if not is_zone(settings.zone):
        raise UsageError(f"--zone {settings.zone}: unknown; allowed: an IANA time zone such as Asia/Tokyo")
    now = parse_now(settings.now)
    people, load_people = _people(settings.user_map)
    return RunOptions(
        now=now,
        identities=Identities(find_key(lake, settings.key_secret), people.known, people.owners),
        week=parse_week(settings.week, "--week") if settings.week else last_closed_week(now),
        zone=settings.zone,
        user_map=people,
        load_user_map=load_people,
        accept=_accepted(settings.accept or [], contracts),
        dry_run=settings.dry_run,
        job_run_id=settings.job_run_id,
        **scope,
    )


def _people(named: str | None) -> tuple[UserMap, Callable[[], UserMap] | None]:
    """The user map of a file, or what reads the one in a table once the run has listed what arrived."""
    from qol.identity.dynamodb_user_map import SCHEME, read_user_table
    from qol.identity.user_map import UserMap, read_user_map

    if named is not None and named.startswith(SCHEME):
        return UserMap(()), functools.partial(read_user_table, named.removeprefix(SCHEME))
    return read_user_map(None if named is None else Path(named)), None


def _accepted(asked: list[str], contracts: Contracts) -> frozenset[str]:
    from qol.quality.suites import every_check

    known = [check.id for check in every_check(contracts)]
    for check in asked:
        if check not in known:
            raise UsageError(f"--accept {check}: no such check; allowed: {', '.join(known)}")
    return frozenset(asked)


def _engine(settings: Settings) -> Callable[[Path, int], Engine]:
    """What makes the executor, once the run knows its scratch folder and how much there is to read."""
    if settings.engine == "spark":
        return functools.partial(_spark_engine, None if settings.master == "none" else settings.master)
    return functools.partial(_local_engine, settings.workers or len(os.sched_getaffinity(0)))


def _local_engine(workers: int, scratch: Path, size: int) -> Engine:
    from qol.quality.gate import preload
    from qol.run.local_engine import LocalEngine

    if size < SMALL_BYTES:
        return LocalEngine(scratch, 1)
    preload()
    return LocalEngine(scratch, workers)


def _spark_engine(master: str | None, _scratch: Path, _size: int) -> Engine:
    from qol.quality.gate import preload

    try:
        from qol.run.spark_engine import SparkEngine, start_spark

        engine = SparkEngine(start_spark(master))
    except ModuleNotFoundError as err:
        if err.name != "pyspark":
            raise
        raise UsageError(
            "--engine spark: pyspark is not installed; allowed: local, or install qol-lake[spark]"
        ) from None
    preload()
    return engine
