"""What a run is asked to do, and the one definition of its options: the command line and Glue both derive theirs from it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Literal, get_args

from qol.errors import UsageError
from qol.tables.weeks import iso_week, last_closed_week, parse_week

Command = Literal["run", "backfill", "rebuild", "erase"]
COMMANDS: tuple[Command, ...] = get_args(Command)
#: Commands that read or compute weeks.
WEEKS: tuple[Command, ...] = COMMANDS[:3]
FIRST_YEAR, LAST_YEAR = 2000, 2999


def _parse_switch(option: str, text: str) -> bool:
    return parse_choice("true", "false")(option, text) == "true"


def _parse_names(_: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _parse_number(least: int, most: int | None = None) -> Callable[[str, str], int]:
    allowed = f"a whole number from {least}" + (f" to {most}" if most is not None else " on")

    def parse(option: str, text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if number < least or (most is not None and number > most):
            raise UsageError(f"{option} {text}: out of range; allowed: {allowed}")
        return number

    return parse


def parse_choice(*choices: str) -> Callable[[str, str], str]:
    """What reads an option that has these values alone; UsageError for another."""

    def parse(option: str, text: str) -> str:
        if text not in choices:
            raise UsageError(f"{option} {text}: unknown; allowed: {', '.join(choices)}")
        return text

    return parse


def _parse_zone(option: str, text: str) -> str:
    from qol.contracts.raw_values import is_zone

    if not is_zone(text):
        raise UsageError(f"{option} {text}: unknown; allowed: an IANA time zone such as Asia/Tokyo")
    return text


def _parse_week(option: str, text: str) -> date:
    return parse_week(text, option)


def parse_now(option: str, text: str) -> datetime:
    """A moment with its zone, in UTC."""
    try:
        now = datetime.fromisoformat(text)
    except ValueError:
        now = None
    if now is None or now.tzinfo is None or not FIRST_YEAR <= now.year <= LAST_YEAR:
        raise UsageError(f"{option} {text}: not a time with its zone; allowed: ISO 8601 such as 2026-11-18T00:05:00Z")
    return now.astimezone(UTC)


def parse_day(option: str, text: str) -> date:
    """A calendar day, written as YYYY-MM-DD."""
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(text)
        # It also reads 20261109 and 2026-W46-1.
        if day.isoformat() == text and FIRST_YEAR <= day.year <= LAST_YEAR:
            return day
    raise UsageError(f"{option} {text}: not a day; allowed: YYYY-MM-DD such as 2026-11-09")


@dataclass(frozen=True)
class Option:
    """An option as it is given, in text: its name without dashes, what it means, and which commands have it."""

    name: str
    help: str
    #: The option with its dashes and its text to the value; UsageError when the text is not allowed.
    parse: Callable[[str, str], Any] = lambda _, text: text
    metavar: str | None = None
    commands: tuple[Command, ...] = WEEKS
    required: bool = False
    #: An environment variable that gives the text on a command line without the option.
    variable: str | None = None

    @property
    def is_switch(self) -> bool:
        """Whether its text is true or false; a command line gives it without a value."""
        return self.parse is _parse_switch

    @property
    def is_list(self) -> bool:
        """Whether its text is values with commas between them; a command line may give it several times."""
        return self.parse is _parse_names


_RUN, _BACKFILL, _REBUILD, _ERASE = ((command,) for command in COMMANDS)
_TRIGGERS, _ENGINES, _CHOICES = ("schedule", "manual"), ("local", "spark"), ("keep", "erase")
_MAP = (
    "JSON lines: source, vendor_user_id, user_id[, timezone, from, to, withdrawn_at, permissions]; or dynamodb:TABLE."
)
_OLD = "Publish records older than the source's max_age_days too, such as a vendor's historical backfill."
_REREAD = "Read every raw object of the window, also those that earlier runs read in the same way."
_LEFT = "Whether users of the map's table who deregistered are erased too."
_TOKENS = "Where `qol collect` keeps tokens, a file or dynamodb:TABLE; those of erased users go."
_WEEK = "Business week such as 2026-W46, by default the last closed one; only noted in the manifest."
#: Every option by the field of the request it fills.
OPTIONS = {
    "raw_days": Option("raw-days", "Read at least this many arrival days.", _parse_number(1, 36_500), "DAYS", _RUN),
    "reread": Option("reread", _REREAD, _parse_switch, commands=_RUN),
    "trigger": Option("trigger", "Who started it.", parse_choice(*_TRIGGERS), "|".join(_TRIGGERS), _RUN),
    "first_day": Option("from", "First arrival day to read, YYYY-MM-DD.", parse_day, commands=_BACKFILL, required=True),
    "last_day": Option("to", "Last arrival day to read.", parse_day, commands=_BACKFILL, required=True),
    "old": Option("old", _OLD, _parse_switch, commands=_BACKFILL),
    "first_week": Option("from-week", "First week; by default the oldest.", _parse_week, commands=_REBUILD),
    "last_week": Option("to-week", "Last week; by default the newest.", _parse_week, commands=_REBUILD),
    "lake": Option("lake", "The lake: a folder, or s3://bucket/prefix.", variable="QOL_LAKE", commands=COMMANDS),
    "now": Option("now", "The clock, ISO 8601 with its zone; by default the real one.", parse_now, commands=COMMANDS),
    "week": Option("week", _WEEK, _parse_week),
    "engine": Option("engine", "What does the work.", parse_choice(*_ENGINES), "|".join(_ENGINES)),
    "master": Option("master", "Spark master; `none` takes the cluster's own session."),
    "workers": Option("workers", "Processes of the local engine; by default one per core.", _parse_number(1), "N"),
    "dry_run": Option("dry-run", "Compute and check everything, write nothing.", _parse_switch),
    "accept": Option("accept", "Publish although this check fails.", _parse_names, "CHECK_ID"),
    "zone": Option("zone", "Time zone of users whose records and map entry name none.", _parse_zone, commands=COMMANDS),
    "user_map": Option("user-map", _MAP, metavar="FILE", commands=COMMANDS),
    "key_secret": Option(
        "key-secret", "Secret in AWS Secrets Manager with the key.", metavar="NAME", commands=COMMANDS
    ),
    "kms_key": Option("kms-key", "KMS key for what is published, on S3 only.", metavar="ARN", commands=COMMANDS),
    "database": Option("database", "Glue database where partitions are registered, on S3 only.", commands=COMMANDS),
    "job_run_id": Option("job-run-id", "The scheduler's own name of this run.", commands=COMMANDS),
    "on_deregistration": Option("on-deregistration", _LEFT, parse_choice(*_CHOICES), "|".join(_CHOICES), _ERASE),
    "tokens": Option("tokens", _TOKENS, metavar="FILE", variable="QOL_TOKENS", commands=_ERASE),
    "no_docs": Option("no-docs", "Do not write Great Expectations' Data Docs.", _parse_switch),
}


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do, parsed; UsageError when a first day or week is later than the last."""

    command: Command = "run"
    raw_days: int = 14
    reread: bool = False
    trigger: Literal["schedule", "manual"] = "manual"
    first_day: date | None = None
    last_day: date | None = None
    old: bool = False
    first_week: date | None = None
    last_week: date | None = None
    lake: str | None = None
    now: datetime = field(default_factory=partial(datetime.now, UTC))
    week: date | None = None
    engine: Literal["local", "spark"] = "local"
    master: str = "local[*]"
    workers: int | None = None
    dry_run: bool = False
    accept: tuple[str, ...] = ()
    zone: str = "Asia/Tokyo"
    user_map: str | None = None
    key_secret: str | None = None
    kms_key: str | None = None
    database: str | None = None
    job_run_id: str | None = None
    on_deregistration: Literal["keep", "erase"] = "keep"
    tokens: str | None = None
    no_docs: bool = False

    def __post_init__(self) -> None:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            span = f"--from {self.first_day}: later than --to {self.last_day}"
            raise UsageError(f"{span}; allowed: the same day or an earlier one")
        if self.first_week and self.last_week and self.first_week > self.last_week:
            span = f"--from-week {iso_week(self.first_week)}: later than --to-week {iso_week(self.last_week)}"
            raise UsageError(f"{span}; allowed: the same week or an earlier one")

    @property
    def manifest_trigger(self) -> Literal["schedule", "manual", "backfill", "rebuild", "erase"]:
        """What the manifest says started the run: the command where it is not a plain run."""
        return self.trigger if self.command == "run" else self.command

    @property
    def business_week(self) -> date:
        """The Monday of the week the run is about."""
        return self.week or last_closed_week(self.now)

    @property
    def spark_master(self) -> str | None:
        """The Spark master; None for the cluster's own session."""
        return None if self.master == "none" else self.master

    @property
    def wants_docs(self) -> bool:
        """Whether the gate writes Data Docs."""
        return not (self.no_docs or self.dry_run)


def read_request(command: Command, given: Mapping[str, str]) -> RunRequest:
    """The request of a command with the options given, as text by name without dashes.

    UsageError names the option, its text and what is allowed.
    """
    own = {option.name: (name, option) for name, option in OPTIONS.items() if command in option.commands}
    for name in given:
        if name not in own:
            allowed = ", ".join(f"--{known}" for known in own)
            raise UsageError(f"--{name}: not an option of {command}; allowed: {allowed}")
    for name, (_, option) in own.items():
        if option.required and name not in given:
            allowed = option.help[0].lower() + option.help[1:].rstrip(".")
            raise UsageError(f"--{name}: not given; allowed: {allowed}")
    parsed = {own[name][0]: own[name][1].parse(f"--{name}", text) for name, text in given.items()}
    return RunRequest(command, **parsed)
