"""Erasures as a job: every one that was asked for, then what is left in raw of users who left; one manifest for all."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from qol.contracts.model import Contracts
from qol.contracts.wording import count
from qol.errors import LockedError, QolError, UsageError, safe_place
from qol.identity.dynamodb_user_map import SCHEME
from qol.identity.erasures import read_erased
from qol.ingest.listing import RawObject
from qol.ingest.results import IngestContext
from qol.lake import Lake, open_lake
from qol.people.erase import Erasure
from qol.people.erase_versions import forget_versions
from qol.people.erasure_requests import API, REQUESTS, UnknownUserError, deregistered_users, pending_requests
from qol.people.person import People, open_people
from qol.people.raw_parts import all_objects, forget_names, rewrite
from qol.people.retain import MAP_ENTRIES, Expiry
from qol.run.context import begin_manifest, ignore_stage
from qol.run.job import RunOutcome, failed
from qol.run.request import RunRequest
from qol.tables.manifest import LEFT_COUNTS, Manifest, manifest_key

#: Who asked for the erasure of a user who deregistered.
DEREGISTRATION = "deregistration"


def run_erasures(
    request: RunRequest, contracts: Contracts, on_stage: Callable[[str], None] = ignore_stage
) -> RunOutcome:
    """Carry out every erasure that was asked for; each takes the lake's lock. Repeat it when it was interrupted.

    A request goes once its users are erased. One that names an unknown user, or cannot be read, stays and is exit code 2.
    """
    manifest = None
    try:
        lake = open_lake(request.lake, kms_key=request.kms_key, database=request.database)
        manifest = begin_manifest(contracts, request)
        job = _EraseJob(lake, contracts, request, manifest)
        try:
            started = time.perf_counter()
            on_stage("erase")
            job.run()
            manifest.stages["erase"] = round(time.perf_counter() - started, 3)
            job.require_ended()
        except Exception as err:
            manifest.status = "locked" if isinstance(err, LockedError) else "failed"
            manifest.error = str(err) if isinstance(err, QolError) else safe_place(err)
            raise
        finally:
            lake.put(manifest_key(manifest.run_id), manifest.to_line())
        return RunOutcome(manifest, 0, (job.summary,))
    except Exception as err:  # noqa: BLE001 (whatever it is becomes an exit code)
        return failed(err, manifest)


@dataclass(frozen=True)
class _EraseJob:
    lake: Lake
    contracts: Contracts
    request: RunRequest
    manifest: Manifest

    def run(self) -> None:
        """Erase the users that requests name, then those who deregistered where that is asked; remove the requests; sweep raw."""
        counts, removed = Counter(requested=0, ended=0, unknown=0), Counter[str]()
        self.manifest.erasures, self.manifest.removed = counts, removed
        for stored, asked in pending_requests(self.lake):
            ended = [self._erase(named, asked.asked_by) for named in asked.ids] if asked else [False]
            counts["unknown"] += asked is None
            if all(ended):
                self.lake.delete(stored.key)
        for named in self._deregistered():
            self._erase(named, DEREGISTRATION)
        forget_versions(self.lake, REQUESTS)
        self._expire_entries()
        self._sweep_raw()
        self.manifest.status = "published" if any((*counts.values(), *removed.values())) else "nothing_to_do"

    def require_ended(self) -> None:
        """UsageError when a request could not be carried out, QolError when a last search found something."""
        if self.manifest.not_removed:
            raise QolError(f"the last search still found {self.manifest.not_removed}; start the erasures again")
        if unknown := self.manifest.erasures["unknown"]:
            raise UsageError(
                f"{REQUESTS}: {count(unknown, 'request')} cannot be read, or the lake holds nothing on the id;"
                ' allowed: {"ids": ["<user_id>", "<source>:<vendor id>"], "asked_by": "<role>"}'
            )

    @property
    def summary(self) -> str:
        """How many erasures ended and what they removed."""
        removed = sum(self.manifest.removed.values())
        return (
            f"Erased {count(self.manifest.erasures['ended'], 'user')}; removed {count(removed, 'row, line or file')}."
        )

    def _erase(self, named: str, asked_by: str) -> bool:
        """Whether a user is erased now."""
        counts, asked = self.manifest.erasures, self.request
        counts["requested"] += 1
        people = self._people()  # again for each: an erasure changes the map
        try:
            person = people.person(named)
            certificate = Erasure(
                self.lake, people, person, asked.zone, asked.now, asked.user_map, asked_by,
                job_run_id=asked.job_run_id, tokens=asked.tokens,
            ).run()  # fmt: skip
        except UnknownUserError:
            counts["unknown"] += asked_by != API
            return asked_by == API
        for layer, number in certificate.removed.items():
            self.manifest.removed[layer] = self.manifest.removed.get(layer, 0) + number
        self.manifest.not_removed += sum(certificate.remaining.values())
        counts["ended"] += certificate.is_clean
        return certificate.is_clean

    def _people(self) -> People:
        return open_people(self.lake, self.contracts, self.request.user_map, self.request.key_secret)

    def _deregistered(self) -> list[str]:
        user_map = self.request.user_map or ""
        is_asked = self.request.on_deregistration == "erase" and user_map.startswith(SCHEME)
        return deregistered_users(user_map.removeprefix(SCHEME)) if is_asked else []

    def _expire_entries(self) -> None:
        """Entries of the map that retention.yaml keeps no longer: no other role may change the map."""
        expiry = Expiry(self.lake, self.contracts.retention, self.request.now, self._people(), self.request.user_map)
        if not expiry.map_entries(acts=False):
            return
        with self.lake.lock(self.manifest.run_id, self.request.job_run_id):
            self.manifest.removed[MAP_ENTRIES] = expiry.map_entries(acts=True)

    def _sweep_raw(self) -> None:
        """Write raw objects again without what runs counted and could not remove, of users who withdrew or were erased."""
        identities = replace(self._people().identities, erased=read_erased(self.lake))
        if not identities.has_left:
            return
        context = IngestContext(self.contracts, identities, self.request.zone, ())
        with self.lake.lock(self.manifest.run_id, self.request.job_run_id):
            gone: list[RawObject] = []
            for raw in all_objects(self.lake, self.contracts, self.request.now.date()):
                split = rewrite(self.lake, context, raw, LEFT_COUNTS)
                if split.is_empty:
                    gone.append(raw)
                if split.parts:
                    self.manifest.removed["raw objects"] = self.manifest.removed.get("raw objects", 0) + 1
            forget_names(self.lake, gone)
