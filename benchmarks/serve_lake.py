"""A lake with one published week of many users in every weekly column, by the job's own writer."""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import report
from qol.contracts.columns import weekly_columns
from qol.contracts.load import load_contracts
from qol.contracts.model import Column
from qol.identity.pseudonyms import Identities
from qol.lake import LocalLake
from qol.publish.assemble import assemble, stage_part
from qol.serve.access_tokens import local_key, local_token

KEY = "benchmark key, known to whoever compares the values"
MONDAY = date(2026, 11, 9)
PART_ROWS, SEED = 20_000, 18
NULLS = 0.1


def subject(number: int) -> str:
    """The id of a user, as a phone's app knows it."""
    return f"v-{number:06}"


def headers(lake: Path, number: int) -> dict[str, str]:
    """Headers of a participant."""
    token = local_token(local_key(lake), subject(number))
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def make_lake(people: int, cache: Path) -> Path:
    """The lake's folder; made once."""
    folder = cache / "lakes" / f"serve-{people}"
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    report.progress(f"writing a week of {people:,} users")
    lake, columns = LocalLake(unfinished), weekly_columns(load_contracts())
    users = sorted(Identities(KEY.encode(), {}).user_hash("healthkit", subject(number)) for number in range(people))
    random = np.random.default_rng(SEED)
    parts = [
        stage_part(lake, "_staging/", "weekly_metrics", str(MONDAY), _rows(columns, users[at : at + PART_ROWS], random))
        for at in range(0, people, PART_ROWS)
    ]
    made = assemble(lake, "_staging/", columns, parts)
    published = unfinished / made.key
    published.parent.mkdir(parents=True)
    (unfinished / made.staged).rename(published)
    shutil.rmtree(unfinished / "_staging")
    unfinished.rename(folder)
    return folder


def _rows(columns: Sequence[Column], users: Sequence[str], random: np.random.Generator) -> pl.DataFrame:
    week = {"week_start": MONDAY, "week_end": MONDAY + timedelta(days=6), "iso_week": "2026-W46"}
    return pl.DataFrame({"user_id": users}).with_columns(
        (pl.lit(week[column.name]) if column.name in week else _values(column, len(users), random)).alias(column.name)
        for column in columns
        if column.name != "user_id"
    )


def _values(column: Column, count: int, random: np.random.Generator) -> pl.Series:
    """Values of a column's type, of which a tenth are null."""
    if column.type == "string":
        known = pl.Series(["garmin", "oura", "healthkit"])[random.integers(0, 3, count)]
    elif column.type == "boolean":
        known = pl.Series(random.integers(0, 2, count)).cast(pl.Boolean)
    elif column.type == "double":
        known = pl.Series(random.normal(60, 15, count).round(2))
    else:
        known = pl.Series(random.integers(0, 8, count))
    return known.zip_with(
        pl.Series(random.random(count) >= NULLS), pl.Series([None], dtype=known.dtype).new_from_index(0, count)
    )
