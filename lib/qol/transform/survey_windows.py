"""Questionnaires of a week beside the measurements of the days they ask about.

WHOQOL-BREF asks about "the last two weeks" (WHO 1996, Introduction, administration, scoring and generic version of the
assessment). The window is that many whole local days before the day of the questionnaire. That day itself is left out,
because it was not over when the questions were answered.
"""

from datetime import date, timedelta

import polars as pl

from qol.contracts.columns import window_aggregate, window_columns
from qol.contracts.daily import DailyMetric
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.contracts.weekly import RecallWindows, WeeklyGroup
from qol.formulas.half_away import round_half_away
from qol.transform.aggregates import aggregate, rounded
from qol.transform.weekly_rows import anchors, days_of_best_source, group_days, source_columns


def survey_windows(contracts: Contracts, windows: RecallWindows, daily: pl.DataFrame, monday: date) -> pl.DataFrame:
    """One row per user, day and source of a week with a questionnaire, sorted by these.

    `daily` holds rows of the week and of the weeks its windows reach into. Columns are those of table `survey_windows`.
    """
    columns = window_columns(contracts, windows)
    rows = _questionnaires(contracts, windows, daily, monday)
    members = _members(contracts, windows, daily, rows)
    observed = members.group_by("window").agg(days_observed=pl.col("day").n_unique().cast(pl.Int32))
    rows = rows.join(observed, on="window", how="left", maintain_order="left")
    for group in contracts.groups:
        if group.name != windows.of and (names := _names(windows, group)):
            values = _group(contracts, group, names, members)
            rows = rows.join(values, on="window", how="left", maintain_order="left")
    types = no_rows(columns).schema
    counts = [pl.col(c.name).fill_null(0) for c in columns if c.type == "int"]
    return rows.with_columns(counts).select([pl.col(c.name).cast(types[c.name]) for c in columns])


def has_questionnaires(contracts: Contracts, windows: RecallWindows, daily: pl.DataFrame) -> bool:
    """Whether any daily row has a value of the questionnaires' group."""
    return bool(daily.select(_is_questionnaire(contracts, windows).any()).item())


def _is_questionnaire(contracts: Contracts, windows: RecallWindows) -> pl.Expr:
    return pl.any_horizontal([pl.col(m.name).is_not_null() for m in contracts.group_metrics[windows.of]])


def _questionnaires(contracts: Contracts, windows: RecallWindows, daily: pl.DataFrame, monday: date) -> pl.DataFrame:
    """The week's questionnaires with a number, `window`, and the first and last day of their window."""
    in_week = pl.col("day").is_between(monday, monday + timedelta(days=6))
    values = [_score(metric) for metric in contracts.group_metrics[windows.of]]
    rows = daily.filter(in_week & _is_questionnaire(contracts, windows)).sort("user_id", "day", "source")
    return rows.select(
        pl.int_range(pl.len()).alias("window"), "user_id", "day", "source", *values,
        window_start=pl.col("day") - pl.duration(days=windows.days),
        window_end=pl.col("day") - pl.duration(days=1),
    )  # fmt: skip


def _score(metric: DailyMetric) -> pl.Expr:
    value = pl.col(metric.name)
    return round_half_away(value, metric.decimals) if metric.type == "number" else value


def _members(
    contracts: Contracts, windows: RecallWindows, daily: pl.DataFrame, questionnaires: pl.DataFrame
) -> pl.DataFrame:
    """Daily rows by the window they lie in; a row is repeated for each window that has its day."""
    groups = [group for group in contracts.groups if _names(windows, group)]
    needed = [name for group in groups for name in (*anchors(contracts, group), *_names(windows, group))]
    days = daily.select(*dict.fromkeys(["user_id", "day", "source", "worn", *needed]))
    spans = questionnaires.select("user_id", "window", "window_start", "window_end")
    inside = pl.col("day").is_between("window_start", "window_end")
    return days.join(spans, on="user_id").filter(inside)


def _names(windows: RecallWindows, group: WeeklyGroup) -> list[str]:
    return [name for name in windows.metrics if name in group.metrics]


def _group(contracts: Contracts, group: WeeklyGroup, names: list[str], members: pl.DataFrame) -> pl.DataFrame:
    days = days_of_best_source(group, group_days(contracts, group, members), "window")
    aggregates = [(contracts.metric[name], window_aggregate(contracts.metric[name])) for name in names]
    columns = [
        *(aggregate(*one) for one in aggregates),
        *(pl.col(name).count().alias(f"{name}_days") for name in names),
    ]
    values = days.group_by("window", maintain_order=True).agg(*source_columns(group), *columns)
    return values.with_columns(rounded(*one) for one in aggregates)
