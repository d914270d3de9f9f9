"""The cohort's charts: the distribution of a value over users, week by week."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from qol.report.svg_charts import BLUE, INK, Range, panel, to_svg, value_axis

#: With more users than this in a week, dots would overlap: only the box is drawn.
MAX_DOTS = 200
_BOX = 0.32
_GOLDEN = 0.618034


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """25 %, 50 % and 75 % of at least one value, by linear interpolation."""
    low, middle, high = np.percentile(np.asarray(values, dtype=np.float64), (25, 50, 75))
    return float(low), float(middle), float(high)


def draw_weeks(
    name: str,
    title: str,
    description: str,
    weeks: Sequence[tuple[str, Sequence[float]]],
    plausible: Range | None = None,
    *,
    clock: bool,
) -> str:
    """The SVG of a box with dots per week, the last week hatched; under each week its number of users."""
    with panel(230, bottom=40) as (figure, axes):
        value_axis(axes, [value for _, values in weeks for value in values], plausible, clock=clock)
        for place, (_, values) in enumerate(weeks):
            if values:
                _box(axes, place, sorted(values), is_last=place == len(weeks) - 1)
        axes.set_xlim(-0.6, len(weeks) - 0.4)
        axes.set_xticks(range(len(weeks)), [f"{week}\nn={len(values)}" for week, values in weeks])
        return to_svg(figure, name, title, description)


def _box(axes: Axes, place: int, values: Sequence[float], *, is_last: bool) -> None:
    low, middle, high = quartiles(values)
    axes.plot([place, place], [values[0], values[-1]], color=INK, linewidth=0.8, zorder=2)
    box = Rectangle(
        (place - _BOX, low), 2 * _BOX, high - low, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=3
    )
    if is_last:
        box.set(edgecolor=BLUE, linewidth=1.6, hatch="////")
    axes.add_patch(box)
    axes.plot([place - _BOX, place + _BOX], [middle, middle], color=INK, linewidth=2.6, zorder=5)
    if len(values) <= MAX_DOTS:
        # Spread by rank, not at random: the same values give the same picture.
        beside = [place + ((rank * _GOLDEN) % 1 - 0.5) * 1.5 * _BOX for rank in range(len(values))]
        (dots,) = axes.plot(beside, values, "o", color=INK, markersize=2.6, zorder=4, clip_on=False)
        dots.set(markerfacecolor="white", markeredgewidth=0.6)
