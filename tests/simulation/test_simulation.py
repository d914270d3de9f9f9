"""Many seeds hold; and each thing that must hold is noticed when the code that keeps it is taken away."""

import subprocess
import sys
from typing import Any

import pytest

from qol.identity.pseudonyms import Erased
from qol.lake.s3 import S3Lake
from qol.lake.s3_objects import S3Objects
from qol.people.raw_parts import split_object
from qol.tables.manifest import Manifest
from qol.tables.slices import Bucket
from tests.simulation.actors import first_lake
from tests.simulation.scenario import scenario_of
from tests.simulation.shrink import failure_of, report_of

pytestmark = pytest.mark.acceptance


def test_two_hundred_seeds_violate_nothing() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "200"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def nothing(*_: object, **__: object) -> Any:
    """What is left of a guard."""


def drop_object(lake: S3Lake, context: Any, raw: Any, wanted: Any) -> Any:
    split = split_object(context, raw, lake.read(raw.stored.key), wanted)
    if split.parts:
        lake.delete(raw.stored.key)
    return split


def publish_half(lake: S3Lake, staged: str, key: str, etag: str | None) -> Any:
    data = lake.read(staged)
    return lake.publish_bytes(data[: len(data) // 2], key, etag)


def line_with_an_id(manifest: Manifest, real: Any = Manifest.to_line) -> Any:
    manifest.error = "v-anna"
    return real(manifest)


def no_condition(store: S3Objects, key: str, data: bytes, _: str | None) -> str:
    return store.put_any(key, data)


def no_rows(bucket: Bucket, table: str, date: str, columns: Any, real: Any = Bucket.published) -> Any:
    return real(bucket, table, date, columns).head(0)


NOTICED: dict[str, tuple[str, int, dict[str, Any]]] = {
    "conditions of writes": ("no older run over a newer one", 1, {"qol.lake.s3_objects.S3Objects.put_if": no_condition}),
    "the lease": ("no older run over a newer one", 5, {"qol.lake.s3.S3Lake._require_lease": nothing}),
    "whole files": ("readers see whole files (I2)", 1, {"qol.lake.s3.S3Lake.publish": publish_half}),
    "tombstones": ("erased stays erased", 10, {
        "qol.run.known_users.read_erased": lambda _: Erased(frozenset(), frozenset(), {})}),
    "removal from raw": ("erased stays erased", 10, {"qol.run.pipeline._remove_departed": nothing}),
    "old versions": ("erased stays erased", 1, {"qol.people.erase_versions._has_rows": nothing}),
    "other people's lines": ("nothing acknowledged is lost", 1, {"qol.people.erase.rewrite": drop_object}),
    "the table of read objects": ("lines in are lines out (I1)", 1, {"qol.run.pipeline.write_objects_read": nothing}),
    "what a restore forgets": ("the same deliveries, the same tables (I3)", 1, {
        "qol.publish.restore._forget_objects": nothing}),
    "published rows": ("no good week gets worse (I4)", 1, {"qol.tables.slices.Bucket.published": no_rows}),
    "hashes for ids": ("no vendor id or text leaves raw (I5)", 1, {"qol.tables.manifest.Manifest.to_line": line_with_an_id}),
}  # fmt: skip


@pytest.mark.usefixtures("no_gate")
@pytest.mark.parametrize("guard", NOTICED)
def test_what_a_guard_keeps_is_noticed_without_it(monkeypatch: pytest.MonkeyPatch, guard: str) -> None:
    name, first, patches = NOTICED[guard]
    first_lake()
    for target, replacement in patches.items():
        monkeypatch.setattr(target, replacement)
    failures = (failure_of(scenario_of(seed)) for seed in range(first, first + 20))
    found = next(filter(None, failures))
    assert found.name == name


@pytest.mark.usefixtures("no_gate")
def test_a_failure_is_told_with_its_seed_and_the_shortest_interleaving_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first_lake()
    monkeypatch.setattr("qol.lake.s3.S3Lake.publish", publish_half)
    said = report_of(1)
    assert said.startswith("seed 1: readers see whole files (I2): ")
    assert "Replay: python -m tests.simulation --seed 1\n" in said
    assert said.partition("Steps:\n")[2].partition("Requests:\n")[0].count("\n") == 1
