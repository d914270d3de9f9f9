"""Charts as SVG within HTML: text stays text, the same data give the same bytes, and ids are unique in the page."""

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from qol.report.locales import DAY_MINUTES, clock_text

#: Okabe and Ito's colours, distinct for any colour vision; no chart relies on them alone.
BLUE, ORANGE = "#0072B2", "#E69F00"
INK, LIGHT, EMPTY = "#222222", "#c8c8c8", "#ececec"
#: A day of a clock chart begins in the evening, so that a night is one stretch.
EVENING = 18 * 60
#: Width of a panel in points: about a phone's width in CSS pixels, so that its text is as large as the page's small print.
PANEL = 350
#: Width and height of a sparkline.
SPARK = (140, 28)
#: An axis spans at least this share of what is plausible for its metric: less is noise.
LEAST_SHARE = 0.04
_POINTS = 72
#: Lowest and highest of something.
Range = tuple[float, float]
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "qol report",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
#: Matplotlib's preamble; its style would apply to the whole page, so the page's own style sheet has it.
_PREAMBLE = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_OPENING = re.compile(r"<svg[^>]*>")
_VIEW = re.compile(r'viewBox="([^"]+)"')
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_ID = re.compile(r'\bid="([^"]+)"')
_HREF = re.compile(r'(?:xlink:)?href="#([^"]+)"')
_URL = re.compile(r"url\(#([^)]+)\)")
_DECIMALS = re.compile(r"(\d\.\d\d)\d{3,}")


@contextmanager
def panel(height: float, *, left: float = 54, bottom: float = 24, right: float = 8) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes in the report's style; sizes in points. Draw and write it within the context."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The page's own font draws the text; matplotlib's font need not have Japanese.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(PANEL / _POINTS, height / _POINTS))
        FigureCanvasSVG(figure)
        axes = figure.add_axes(
            (left / PANEL, bottom / height, (PANEL - left - right) / PANEL, (height - bottom - 10) / height)
        )
        axes.tick_params(length=3, labelsize=11)
        axes.set_axisbelow(True)
        yield figure, axes


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an `svg` element for HTML; its ids start with `name`, which is unique in the page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_NO_METADATA)
    body = _PREAMBLE.sub("", file.getvalue()).strip()
    view = _VIEW.search(body)
    body = _GROUP_ID.sub("<g", _DECIMALS.sub(r"\1", body))
    body = _ID.sub(rf'id="{name}-\1"', body)
    body = _URL.sub(rf"url(#{name}-\1)", _HREF.sub(rf'href="#{name}-\1"', body))
    head = (
        f'<svg role="img" aria-labelledby="{name}-t {name}-d" viewBox="{view.group(1) if view else ""}">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
    )
    return _OPENING.sub(lambda _: head, body, count=1)


def draw_sparkline(values: Sequence[float | None], plausible: Range | None) -> str:
    """A small SVG of values in order beside the text that it illustrates: a line with gaps for missing values, and a dot at the last."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if not known:
        return ""
    heights = [value for _, value in known]
    bottom, top = number_limits(min(heights), max(heights), plausible)
    step, scale = SPARK[0] / len(values), (SPARK[1] - 6) / (top - bottom)
    points = {place: (step * (place + 0.5), SPARK[1] - 3 - scale * (value - bottom)) for place, value in known}
    line = "".join(f"{'L' if place - 1 in points else 'M'}{x:.1f} {y:.1f}h0" for place, (x, y) in points.items())
    x, y = list(points.values())[-1]
    return (
        f'<svg class="spark" aria-hidden="true" viewBox="0 0 {SPARK[0]} {SPARK[1]}">'
        f'<path d="{line}" fill="none" stroke="{BLUE}" stroke-width="1.4" stroke-linecap="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{INK}"/></svg>'
    )


def evening_first(minute: float) -> float:
    """Minutes after midnight as minutes after 18:00."""
    return (minute - EVENING) % DAY_MINUTES


def morning_again(minute: float) -> float:
    """Minutes after 18:00 as minutes after midnight."""
    return (minute + EVENING) % DAY_MINUTES


def value_axis(axes: Axes, values: Sequence[float], plausible: Range | None, *, clock: bool) -> None:
    """The y axis of values of a metric with this range of its contract (None for a formula), or of times of the day."""
    if clock:
        clock_axis(axes, min(values), max(values))
    else:
        number_axis(axes, min(values), max(values), plausible)


def number_limits(low: float, high: float, plausible: Range | None = None) -> Range:
    """The ends of an axis for values from low to high: never shorter than what matters.

    `plausible` is the metric's range of the contract: differences that are small within it look small, and the axis ends with it.
    """
    share, largest = LEAST_SHARE, max(abs(low), abs(high))
    least = min(share * (plausible[1] - plausible[0]), largest / 2) if plausible else share * largest
    missing = max((least or 1) - (high - low), 0) / 2
    margin = max(high - low, least or 1) * 0.08
    bottom, top = low - missing - margin, high + missing + margin
    lowest, highest = plausible or (0, math.inf)
    return lowest if low >= lowest > bottom else bottom, highest if high <= highest < top else top


def number_axis(axes: Axes, low: float, high: float, plausible: Range | None = None) -> None:
    """A y axis of numbers with at most four intervals, and grid lines at its ticks."""
    axes.set_ylim(number_limits(low, high, plausible))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")))
    axes.grid(axis="y", color=LIGHT, linewidth=0.5)


def clock_axis(axes: Axes, low: float, high: float) -> None:
    """A y axis of times of the day; `low`, `high` and values are minutes after 18:00."""
    axes.set_ylim(low - 20, high + 20)
    step = next((minutes for minutes in (30, 60, 120, 180, 240) if (high - low + 40) / minutes <= 5), 360)
    axes.yaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: clock_text(morning_again(value))))
    axes.grid(axis="y", color=LIGHT, linewidth=0.5)
