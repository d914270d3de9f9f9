"""What every stage of one run is given."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qol.contracts.model import Contracts
from qol.identity.user_map import UserMap
from qol.lake.base import Lake
from qol.run.engine import Engine
from qol.run.request import RunRequest
from qol.tables.manifest import Manifest, new_manifest
from qol.tables.weeks import iso_week

STAGING = "_staging/"


def ignore_stage(_: str) -> None:
    """The stage, which is not shown."""


@dataclass(frozen=True)
class RunContext:
    """The lake, the contracts, the request and the key of one run, and the manifest, which fills as the run goes on."""

    lake: Lake
    contracts: Contracts
    request: RunRequest
    #: The pseudonym key.
    key: bytes
    #: Gives the user map; called once raw is listed, so that a map that grows has every user of the listing.
    read_user_map: Callable[[], UserMap]
    #: Makes the executor from a scratch folder and the bytes of text to read.
    make_engine: Callable[[Path, int], Engine]
    manifest: Manifest
    #: Where the gate writes Data Docs; None for none.
    docs: Path | None = None
    on_stage: Callable[[str], None] = ignore_stage

    @property
    def staging(self) -> str:
        """The prefix of everything this run stages."""
        return f"{STAGING}{self.manifest.run_id}/"

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage into the manifest, which names it when it raises."""
        self.on_stage(name)
        started = time.perf_counter()
        try:
            yield
        except BaseException:
            self.manifest.failed_stage = name
            raise
        finally:
            self.manifest.stages[name] = round(time.perf_counter() - started, 3)


def begin_manifest(contracts: Contracts, request: RunRequest) -> Manifest:
    """The manifest of a run that begins; its status is `failed` until the run has ended."""
    manifest = new_manifest(request.now, request.manifest_trigger, iso_week(request.business_week))
    manifest.job_run_id = request.job_run_id
    manifest.engine = request.engine
    manifest.contracts = contracts.fingerprint
    manifest.accepted = sorted(set(request.accept))
    return manifest
