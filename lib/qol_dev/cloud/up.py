"""Bring a local cloud up, step by step: each says what it did and where to look."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from qol.errors import QolError
from qol_dev.cloud import feed, mail, moto, spark_session, terraform, trino
from qol_dev.cloud import glue_runs as runs
from qol_dev.cloud.collecting import collect_rings
from qol_dev.cloud.describe import count_objects
from qol_dev.cloud.functions import invoke
from qol_dev.cloud.gather import gather
from qol_dev.cloud.pushes import pushes_of
from qol_dev.cloud.serving import GOAL, app_of, batch, enter_app_user, events_of_goals, start_api, start_issuer
from qol_dev.cloud.state import Cloud, client
from qol_dev.cloud.tools import MissingToolError
from qol_dev.sample import CORE, SampleOptions, write_sample

#: Set where nothing may be missing: a missing tool is an error then, not a reason to skip.
REQUIRE_ALL = "QOL_REQUIRE_ALL"
#: Wednesday 06:00 in Tokyo, when the collector is called.
COLLECTED = "2026-11-17T21:00:00Z"
#: Wednesday 09:05 in Tokyo after the sample's last week.
SCHEDULED = "2026-11-18T00:05:00Z"
SPEC_QUERY = "SELECT * FROM {database}.weekly_metrics ORDER BY date DESC LIMIT 10"


@dataclass
class CloudStart:
    """A cloud on its way up: what exists so far, and how big its sample is to be."""

    cloud: Cloud
    sample: SampleOptions
    done: set[str] = field(default_factory=set)
    run_id: str = ""

    @property
    def lake(self) -> Path:
        """The folder of the sample that is sent."""
        return self.cloud.folder / "sample"


@dataclass(frozen=True)
class Step:
    """A step by its name; those it needs have to be done before."""

    name: str
    title: str
    needs: tuple[str, ...]
    act: Callable[[CloudStart], Iterator[str]]


@dataclass(frozen=True)
class Outcome:
    """What a step did, or why it was skipped."""

    step: Step
    lines: tuple[str, ...]
    seconds: float
    skipped: str = ""


def start_cloud(state: CloudStart, announce: Callable[[Step], None] = lambda _: None) -> Iterator[Outcome]:
    """Make the steps, each announced before and answer afterwards. With QOL_REQUIRE_ALL=1 a missing tool raises MissingToolError."""
    for step in STEPS:
        announce(step)
        missing = [name for name in step.needs if name not in state.done]
        started = time.monotonic()
        if missing:
            yield Outcome(step, (), 0.0, f"needs what was skipped before: {', '.join(missing)}")
            continue
        try:
            lines = tuple(step.act(state))
        except MissingToolError as err:
            if os.environ.get(REQUIRE_ALL) == "1":
                raise
            yield Outcome(step, (), time.monotonic() - started, str(err))
            continue
        state.done.add(step.name)
        yield Outcome(step, lines, time.monotonic() - started)


def _moto(state: CloudStart) -> Iterator[str]:
    state.cloud = state.cloud.with_server(moto.start_moto(state.cloud))
    yield f"moto server at {state.cloud.server('moto').url}"


def _package(state: CloudStart) -> Iterator[str]:
    made = terraform.build_package(state.cloud)
    yield f"{len(made)} files in {terraform.package_folder(state.cloud)}"


def _deploy(state: CloudStart) -> Iterator[str]:
    state.cloud = state.cloud.with_names(terraform.apply(state.cloud))
    names = state.cloud.names
    yield f"bucket {names['bucket']}, job {names['job']}, database {names['database']}, {len(names['functions'])} functions"
    yield f"state in {state.cloud.folder / 'terraform'}, log in {state.cloud.folder / 'logs' / 'terraform.log'}"


def _prepare(state: CloudStart) -> Iterator[str]:
    write_sample(state.lake, state.sample)
    feed.enter_secrets(state.cloud, state.lake)
    people = feed.enter_user_map(state.cloud, state.lake)
    mail.open_mailbox(state.cloud)
    yield f"values of both secrets, {people} people in the map, a mailbox on the alert topic"


def _push(state: CloudStart) -> Iterator[str]:
    pushes = pushes_of(state.lake)
    feed.send(state.cloud, pushes)
    yield f"{len(pushes)} pushes of {state.sample.users} people, all answered 200"
    if stream := state.cloud.names.get("stream"):
        count = gather(client(state.cloud, "firehose"), client(state.cloud, "s3"), stream)
        yield f"the stream {stream} gathered them into {count} objects"
    kept = count_objects(state.cloud, "quarantine/bodies/")
    yield f"{count_objects(state.cloud, 'raw/')} objects below {state.cloud.lake}/raw/, {kept} bodies kept that are no JSON"


def _collect(state: CloudStart) -> Iterator[str]:
    rings = SampleOptions(3, state.sample.weeks, state.sample.end, 7, ("oura",))
    answer = collect_rings(state.cloud, rings, datetime.fromisoformat(COLLECTED))
    if answer["status"] != "complete":
        raise QolError(f"collector: {answer['status']}; its log: {state.cloud.folder / 'logs' / 'collect_oura.log'}")
    objects = count_objects(state.cloud, "raw/oura/")
    yield f"run {answer['run_id']}: {answer['people']} rings, {answer['requests']} requests, {objects} objects below raw/oura/"


def _serve(state: CloudStart) -> Iterator[str]:
    enter_app_user(state.cloud)
    issuer = start_issuer(state.cloud)
    state.cloud = state.cloud.with_server(issuer)
    state.cloud = state.cloud.with_server(start_api(state.cloud, issuer))
    app = app_of(state.cloud)
    app.ask("PUT", "/v1/goals/walk", GOAL)
    kept = app.ask("POST", "/v1/measurements/bulk", batch())["kept"]
    yield f"API at {app.address}, its state in DynamoDB: a batch of {kept} samples, {events_of_goals(state.cloud)} event of a goal that is met"
    published, so_far = app.steps_of_the_week()
    yield f"steps a day in 2026-W46, before the run: published {published}, so far {so_far}"


def _summarize(state: CloudStart) -> Iterator[str]:
    app, end = app_of(state.cloud), time.monotonic() + 90  # the API asks the lake again after a minute
    while (published := app.steps_of_the_week()[0]) is None and time.monotonic() < end:
        time.sleep(2)
    yield f"steps a day in 2026-W46, after the run: published {published}"


def _kick(state: CloudStart) -> Iterator[str]:
    answer = invoke(state.cloud, "kick", {"scheduled_time": SCHEDULED, "execution_id": "first-delivery"})
    state.run_id = answer["job_run_id"]
    yield f"business week {answer['week']}, job run {state.run_id}"


def _run(state: CloudStart) -> Iterator[str]:
    for attempt in runs.execute(state.cloud, state.run_id):
        yield f"{attempt.state} with exit code {attempt.exit_code} in {attempt.seconds:.0f} s; log {attempt.log}"
        if attempt.exit_code == 0:
            return
    raise QolError(f"job run {state.run_id}: every attempt failed; its log: {attempt.log}")


def _frames(state: CloudStart) -> Iterator[str]:
    from qol.tables.spark import table

    session = spark_session.open_session(state.cloud)
    try:
        weekly = table(session, state.cloud.lake, "weekly_metrics")
        yield f"weekly_metrics through S3A: {weekly.count()} rows, {len(weekly.columns)} columns"
    finally:
        session.stop()


def _trino(state: CloudStart) -> Iterator[str]:
    state.cloud = state.cloud.with_server(trino.start_trino(state.cloud))
    yield f"Trino at {state.cloud.server('trino').url}, catalog {trino.CATALOG}"


def _query(state: CloudStart) -> Iterator[str]:
    sql = SPEC_QUERY.format(database=state.cloud.database)
    answer = trino.ask(state.cloud, sql)
    yield sql
    for row in answer.rows:
        cells = dict(zip(answer.columns, row, strict=True))
        yield "  " + ", ".join(
            f"{name} {cells[name]}" for name in ("user_id", "iso_week", "steps_mean", "sleep_minutes_mean")
        )


STEPS: tuple[Step, ...] = (
    Step("aws", "A simulated AWS", (), _moto),
    Step("package", "What `make package` builds", ("aws",), _package),
    Step("deployment", "Terraform applies the configuration", ("package",), _deploy),
    Step("secrets", "Secrets, map and mailbox, as an operator enters them", ("deployment",), _prepare),
    Step("raw data", "Garmin pushes to the receiver", ("secrets",), _push),
    Step("collect", "The collector asks a fake vendor", ("secrets",), _collect),
    Step("API", "An app posts to the API and meets a goal", ("secrets",), _serve),
    Step("kick", "The schedule calls the kick function", ("raw data",), _kick),
    Step("weekly run", "The Glue script runs as a process", ("kick",), _run),
    Step("summary", "The app asks again", ("API", "weekly run"), _summarize),
    Step("DataFrames", "Spark reads the tables", ("weekly run",), _frames),
    Step("Trino", "Athena's engine starts", ("deployment",), _trino),
    Step("query", "Athena's engine shows the week", ("weekly run", "Trino"), _query),
)


def options(users: int, weeks: int) -> SampleOptions:
    """The sample of a local cloud; its last week is the one before `SCHEDULED`."""
    return SampleOptions(users, weeks, "2026-W46", 7, CORE)
