"""Everything that the routes share."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from limits.storage import Storage

from qol.aws.emf import emf_line
from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.ingest.results import IngestContext
from qol.lake import Lake, LocalLake, open_lake
from qol.serve.access_tokens import LocalVerifier, OidcVerifier, Verifier, local_key
from qol.serve.flags import Flags
from qol.serve.kept_frames import KeptFrames
from qol.serve.local_counters import LocalCounters
from qol.serve.participants import Participants
from qol.serve.serve_file import ServeFile, read_serve_file
from qol.serve.serve_options import FOLDER, ServeOptions
from qol.serve.summaries import Summaries
from qol.state import State, open_state
from qol.webhooks.user_map_table import Registered

STATE_FILE = "state.sqlite"
USER_MAP = "user_map.jsonl"


@dataclass
class Service:
    """The lake, its contracts, its people and the state, opened once for all requests."""

    options: ServeOptions
    lake: Lake
    contracts: Contracts
    file: ServeFile
    participants: Participants
    state: State
    frames: KeptFrames
    summaries: Summaries
    flags: Flags
    verifier: Verifier | None
    counters: Storage
    #: When the lake's erasures are looked at next, in seconds of the monotonic clock.
    erasures_due: float = 0.0
    #: Users of Garmin's pushes that this process wrote to the user map's table lately.
    registered: Registered = field(default_factory=Registered)

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return self.options.clock()

    @property
    def requests_per_minute(self) -> int:
        """How often a caller may ask within a minute."""
        return self.options.rate_limit or self.file.limits.requests_per_minute

    def ingest_context(self, limits: tuple[str, ...] = ()) -> IngestContext:
        """What the job's ingest needs beside objects; `limits` are those of the buckets of users."""
        return IngestContext(self.contracts, self.participants.identities, self.options.zone, limits)

    def count(self, name: str, value: float = 1, unit: str = "Count", route: str = "") -> None:
        """A metric, where metrics are wanted; its dimension is a route's template, never a value."""
        if self.options.emits_metrics:
            dimensions = {"service": "api", **({"route": route} if route else {})}
            sys.stdout.write(emf_line(dimensions, {name: (value, unit)}, {}, datetime.now(UTC)) + "\n")
            sys.stdout.flush()


def open_service(options: ServeOptions, contracts: Contracts | None = None) -> Service:
    """Open what the options name; UsageError says which of them is not usable. Contracts are loaded where none are given."""
    contracts = contracts or load_contracts(options.schemas)
    lake = open_lake(options.lake, kms_key=options.kms_key)
    user_map = options.user_map or _own_user_map(lake)
    file, frames = read_serve_file(contracts.root), KeptFrames(lake)
    participants = Participants(lake, contracts, options.key_secret, user_map, options.zone)
    return Service(
        options=options,
        lake=lake,
        contracts=contracts,
        file=file,
        participants=participants,
        state=state_of(lake, options.state),
        frames=frames,
        summaries=Summaries(contracts, frames, file.fields),
        flags=Flags(file.flags, participants.identities.key),
        verifier=_verifier(options, lake),
        counters=_counters(options.state),
    )


def state_of(lake: Lake, address: str | None) -> State:
    """The state at an address, else in SQLite beside a lake that is a folder; UsageError when it has no place."""
    if address:
        return open_state(address)
    if not isinstance(lake, LocalLake):
        raise UsageError("--state: not given; allowed: an address of a store, as the lake is in a bucket")
    folder = lake.root / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return open_state(f"sqlite:///{folder / STATE_FILE}")


def _own_user_map(lake: Lake) -> str | None:
    """The user map that a sample lake has beside its data."""
    if not isinstance(lake, LocalLake):
        return None
    path: Path = lake.root / USER_MAP
    return str(path) if path.is_file() else None


def _verifier(options: ServeOptions, lake: Lake) -> Verifier | None:
    """What verifies tokens: the issuer's keys where one is set, else the local key, on loopback alone."""
    if options.oidc is not None:
        return OidcVerifier(options.oidc)
    if not options.is_local:
        raise UsageError(
            f"--host {options.host}: other machines reach it, and the local key is for this one alone;"
            " allowed: 127.0.0.1, or set QOL_OIDC_ISSUER and QOL_OIDC_AUDIENCE"
        )
    return LocalVerifier(local_key(lake.root)) if isinstance(lake, LocalLake) else None


def _counters(state: str | None) -> Storage:
    """Where requests are counted: in this process, or beside the state where several processes answer."""
    if state is not None and state.startswith("dynamodb:"):
        from qol.serve.shared_counters import SharedCounters

        return cast("Storage", SharedCounters(state.removeprefix("dynamodb:")))
    return cast("Storage", LocalCounters())
