"""One user's charts: a metric day by day, nights as bars, a profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from matplotlib.axes import Axes

from qol.report.locales import DAY_MINUTES
from qol.report.svg_charts import BLUE, EMPTY, INK, LIGHT, ORANGE, Range, evening_first, panel, to_svg, value_axis

_WEEK_DAYS = 7


@dataclass(frozen=True)
class Day:
    """A day's value (None if unknown), and whether the device was worn long enough."""

    day: date
    value: float | None
    is_worn: bool = True


@dataclass(frozen=True)
class Night:
    """The main sleep that ended on a day, in minutes after local midnight; None if unknown."""

    day: date
    bedtime: float | None
    wake: float | None
    midsleep: float | None


def draw_days(
    name: str, title: str, description: str, days: Sequence[Day], plausible: Range | None = None, *, clock: bool
) -> str:
    """The SVG of values by day: filled dots in the reported week, hollow before, crosses if not worn, grey if unknown."""
    with panel(160) as (figure, axes):
        values = [None if d.value is None else evening_first(d.value) if clock else d.value for d in days]
        value_axis(axes, [value for value in values if value is not None], plausible, clock=clock)
        for place, value in enumerate(values):
            if value is None:
                axes.axvspan(place - 0.5, place + 0.5, color=EMPTY, linewidth=0)
        axes.plot(range(len(days)), [float("nan") if v is None else v for v in values], color=BLUE, linewidth=1)
        _mark_days(axes, days, values)
        _week_axis(axes, [d.day for d in days])
        return to_svg(figure, name, title, description)


def _mark_days(axes: Axes, days: Sequence[Day], values: Sequence[float | None]) -> None:
    """Signs that differ in shape or filling, never only in colour."""
    first_of_week = len(days) - _WEEK_DAYS
    for place, (day, value) in enumerate(zip(days, values, strict=True)):
        if value is None:
            continue
        if not day.is_worn:
            axes.plot(place, value, "x", color=INK, markersize=7, markeredgewidth=2, clip_on=False, zorder=5)
        else:
            fill = BLUE if place >= first_of_week else "white"
            axes.plot(place, value, "o", color=BLUE, markersize=5, markerfacecolor=fill, clip_on=False, zorder=4)


def _week_axis(axes: Axes, days: Sequence[date]) -> None:
    """A tick and its date at each Monday, and a line before it."""
    first = range(0, len(days), _WEEK_DAYS)
    axes.set_xlim(-0.7, len(days) - 0.3)
    axes.set_xticks(list(first), [f"{days[place]:%m-%d}" for place in first])
    for place in first[1:]:
        axes.axvline(place - 0.5, color=LIGHT, linewidth=0.8)


def draw_nights(name: str, title: str, description: str, nights: Sequence[Night]) -> str:
    """The SVG of a row per night, 18:00 to 18:00: a bar from bedtime to wake, a line at midsleep; newest night lowest."""
    with panel(44 + 15 * len(nights), left=48, right=20) as (figure, axes):
        axes.set_xlim(0, DAY_MINUTES)
        axes.set_ylim(len(nights) - 0.4, -0.6)
        for row, night in enumerate(nights):
            _night(axes, row, night, is_reported=row >= len(nights) - _WEEK_DAYS)
            if row and night.day.weekday() == 0:
                axes.axhline(row - 0.5, color=INK, linewidth=0.6)
        axes.set_xticks(range(0, DAY_MINUTES + 1, 240), [f"{(18 + h) % 24:02d}:00" for h in range(0, 25, 4)])
        axes.set_yticks(
            range(0, len(nights), 1), [f"{n.day:%m-%d}" if i % 2 == 0 else "" for i, n in enumerate(nights)]
        )
        axes.tick_params(axis="y", labelsize=10)
        axes.grid(axis="x", color=LIGHT, linewidth=0.5)
        return to_svg(figure, name, title, description)


def _night(axes: Axes, row: int, night: Night, *, is_reported: bool) -> None:
    if night.bedtime is None or night.wake is None:
        return
    fill, hatch = ("#9ecae8", "////") if is_reported else ("white", None)
    bars = _stretches(night.bedtime, night.wake)
    axes.broken_barh(bars, (row - 0.34, 0.68), facecolor=fill, edgecolor=BLUE, linewidth=1, zorder=2, hatch=hatch)
    if night.midsleep is not None:
        middle = evening_first(night.midsleep)
        axes.plot([middle, middle], [row - 0.5, row + 0.5], color=INK, linewidth=2.4, zorder=3)


def _stretches(bedtime: float, wake: float) -> list[tuple[float, float]]:
    """Start and length in minutes of a sleep on the axis; one across 18:00 continues at the left."""
    start, length = evening_first(bedtime), (wake - bedtime) % DAY_MINUTES
    over = start + length - DAY_MINUTES
    return [(start, length)] if over <= 0 else [(start, length - over), (0, over)]


#: A bar of a profile: label, value, its text, and the value of the time before (None if unknown).
Bar = tuple[str, float, str, float | None]


def draw_profile(name: str, title: str, description: str, bars: Sequence[Bar]) -> str:
    """The SVG of horizontal bars from 0 to 100, each with its label above it, its value at its end, a diamond at the one before."""
    with panel(34 + 40 * len(bars), left=10, right=20) as (figure, axes):
        for row, (label, value, text, before) in enumerate(bars):
            axes.barh(row, value, height=0.4, facecolor="white", edgecolor=ORANGE, hatch="////", linewidth=1.4)
            axes.text(0, row - 0.3, label, ha="left", va="bottom")
            axes.text(100, row - 0.3, text, ha="right", va="bottom", fontweight="bold")
            if before is not None:
                axes.plot(before, row, "D", color=INK, markersize=6, markerfacecolor="white", clip_on=False)
        axes.set_xlim(0, 100)
        axes.set_ylim(len(bars) - 0.6, -0.8)
        axes.set_yticks([])
        axes.grid(axis="x", color=LIGHT, linewidth=0.5)
        return to_svg(figure, name, title, description)
