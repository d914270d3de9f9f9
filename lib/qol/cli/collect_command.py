"""`qol collect`: ask a vendor for what is new, or connect a person with `qol collect login`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import command, console, say, table, warn
from qol.contracts.wording import count
from qol.errors import UsageError
from qol.run.request import OPTIONS, parse_day, parse_now

if TYPE_CHECKING:
    from qol.collect.asking import Collected
    from qol.collect.collector import Collector, CollectOutcome, CollectRequest
    from qol.lake import Lake

_NAMED = 5
_TOKENS = "Tokens of the users: a file of JSON lines with mode 600, or dynamodb:TABLE."


def collect(
    words: Annotated[list[str], typer.Argument(metavar="SOURCE | login SOURCE", help="The vendor, such as oura.")],
    *,
    first: Annotated[
        str | None, typer.Option("--from", help="First day; by default what is not collected yet.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; by default today.")] = None,
    user: Annotated[list[str] | None, typer.Option("--user", help="Only this user_id of --tokens; repeatable.")] = None,
    record: Annotated[list[str] | None, typer.Option("--record", help="Only this record type; repeatable.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ask the vendor's sandbox; it needs no tokens.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked for; ask and write nothing.")
    ] = False,
    tokens: Annotated[str | None, typer.Option("--tokens", metavar="FILE", envvar="QOL_TOKENS", help=_TOKENS)] = None,
    lake: LakeOption = None,
    now: Annotated[str | None, typer.Option("--now", help=OPTIONS["now"].help)] = None,
    deadline: Annotated[
        int, typer.Option("--deadline", min=1, metavar="SECONDS", help="When the run has to end.")
    ] = 3_000,
    port: Annotated[
        int, typer.Option("--port", help="login: port of this machine to which the vendor's page leads back.")
    ] = 8917,
    paste: Annotated[
        bool,
        typer.Option(
            "--paste", help="login: paste the address by hand, on a machine without a browser; with --redirect."
        ),
    ] = False,
    redirect: Annotated[
        str | None, typer.Option("--redirect", help="login: the registered address for --paste.")
    ] = None,
    schemas: SchemasOption = None,
) -> None:
    """Ask a vendor for what is new and store its answers as raw lines; exit code 1 when a user was not collected.

    `qol collect login SOURCE` connects a user: they agree on the vendor's page, and their tokens go to the file of --tokens.
    """
    from qol.collect.collector import CollectRequest

    if words[0] == "login" and len(words) == 2:
        _login(words[1], schemas, tokens, port, redirect if paste else None)
        return
    if len(words) > 1:
        raise UsageError(f"{' '.join(words)}: more than one source; allowed: one source, or login and one source")
    begins, ends = (text and parse_day(option, text) for option, text in (("--from", first), ("--to", last)))
    if begins and ends and begins > ends:
        raise UsageError(f"--from {first}: after --to {last}; allowed: a day up to it")
    clock = datetime.now(UTC) if now is None else parse_now("--now", now)
    request = CollectRequest(
        words[0], begins or None, ends or None, tuple(user or ()), tuple(record or ()), sandbox, clock, deadline
    )
    opened = _opened(lake, dry_run=dry_run)
    collector = _collector(opened, request, schemas, tokens)
    if dry_run:
        _plan(collector)
    elif not _collect(collector, opened):
        raise typer.Exit(1)


def _login(source: str, schemas: Path | None, tokens: str | None, port: int, redirect: str | None) -> None:
    """Connect a user, and store their tokens."""
    from qol.collect.collector import CollectRequest, endpoints
    from qol.collect.login import begin_login, loopback
    from qol.collect.tokens import open_tokens
    from qol.contracts.load import load_contracts

    collect = next(iter(endpoints(load_contracts(schemas), CollectRequest(source)).values()))
    store = open_tokens(tokens, source, create=True)
    if redirect is None:
        with loopback(port) as (back, wait):
            login = begin_login(source, collect, back)
            say(f"Register {back} as a redirect address of your application. Then let the user open:")
            say(login.page)
            code = login.code(wait())
    else:
        login = begin_login(source, collect, redirect)
        say("Let the user open:")
        say(login.page)
        code = login.code(typer.prompt("The address they came to, or its code", hide_input=True))
    token, missing = login.connect(code, _log)
    store.put(token)
    for scope in sorted(missing):
        warn(f"Not granted: the scope {scope}; what needs it is not collected.")
    say(f"Connected the user {token.user_id}.")


def _opened(lake: str | None, *, dry_run: bool) -> Lake:
    """The lake; a folder that does not exist yet is made, as collecting may be the first thing that fills it."""
    from qol.lake import LocalLake

    if lake and "://" not in lake:
        folder = Path(lake).expanduser()
        if dry_run and not folder.exists():
            return LocalLake(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise UsageError(f"--lake {lake}: cannot be made ({err.strerror}); allowed: a folder") from None
    return open_existing(lake)


def _collector(lake: Lake, request: CollectRequest, schemas: Path | None, tokens: str | None) -> Collector:
    from qol.collect.collector import Collector, endpoints
    from qol.collect.tokens import open_tokens
    from qol.contracts.load import load_contracts

    contracts = load_contracts(schemas)
    kinds = {collect.auth.kind for collect in endpoints(contracts, request).values()}
    store = None if request.sandbox or kinds == {"none"} else open_tokens(tokens, request.source)
    return Collector(lake, contracts, request, store, _log)


def _log(line: Mapping[str, Any]) -> None:
    """A line of JSON on standard error for every request: no value, no id, no token."""
    if not console(stderr=True).is_terminal:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps({"at": moment, **line}), file=sys.stderr, flush=True)


def _plan(collector: Collector) -> None:
    """Print the days of each record type that would be asked for."""
    rows: dict[tuple[str, date, date], int] = {}
    for task in collector.tasks():
        span = (task.record, task.days.first, task.days.last)
        rows[span] = rows.get(span, 0) + 1
    table("Would ask for", ("record", "from", "to", "users"), [(*span, users) for span, users in rows.items()])


def _collect(collector: Collector, lake: Lake) -> bool:
    """Collect and tell how it went; whether everything was collected."""
    from qol.collect.notice import tell

    with _progress(len(collector.tasks())) as report:
        outcome = collector.run(report)
    _report(outcome)
    is_whole = outcome.manifest.status == "complete"
    if not is_whole and (problem := tell(outcome.manifest)):
        warn(f"The message about this run was not sent: {problem}")
    if outcome.error is not None:
        raise outcome.error
    if is_whole:
        say(f"Next: {command('run', '--lake', lake.uri)}")
    return is_whole


@contextmanager
def _progress(tasks: int) -> Iterator[Callable[[Collected], None]]:
    """A status line with the number of tasks done; where there is no terminal, log lines show it."""
    done = 0
    with console(stderr=True).status(f"0 of {tasks}") as status:

        def report(collected: Collected) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {tasks}: {collected.task.record}")

        yield report


def _grouped(outcome: CollectOutcome) -> list[tuple[str, str, str, str]]:
    """Failures, those of one person and reason in one row."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for failure in sorted(outcome.failures):
        grouped.setdefault((failure.user_id, failure.reason, failure.detail), []).append(failure.record)
    return [
        (*key, ", ".join(records) if len(records) <= _NAMED else f"{len(records)} of them")
        for key, records in grouped.items()
    ]


def _report(outcome: CollectOutcome) -> None:
    from qol.collect.refusals import REASONS

    manifest = outcome.manifest
    heads = ("record", "users", "failed", "pages", "documents", "requests", "repeated")
    rows = [
        tuple(getattr(counts, head) for head in heads) for counts in sorted(manifest.records, key=lambda r: r.record)
    ]
    table(f"Collected from {manifest.source}", heads, rows)
    if outcome.failures:
        table("Not collected", ("user", "reason", "detail", "record types"), _grouped(outcome))
        for reason in manifest.refused:
            say(f"{reason}: {REASONS[reason]}.")
    if manifest.resting_users:
        warn(
            f"{count(manifest.resting_users, 'user')} not asked, as the vendor refused an earlier run; --user asks anyway."
        )
    pages, documents = (sum(getattr(counts, name) for counts in manifest.records) for name in ("pages", "documents"))
    say(
        f"{manifest.status}: {count(pages, 'page')}, {count(documents, 'document')} of {count(manifest.users, 'user')}."
    )
    say(f"Manifest  {manifest.key}")
