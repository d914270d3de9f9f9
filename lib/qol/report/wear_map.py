"""The map of wear: a row per participant, a column per day, those who wore the device least first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Any

from qol.report.locales import Locale
from qol.report.report_data import Cohort, mondays
from qol.report.svg_charts import BLUE, INK, LIGHT, PANEL

WEEKS = 4
#: Further participants are counted in one line: the map stays a picture for 500 of them.
MAX_ROWS = 100
_ID_LENGTH = 8
_LABEL, _STEP, _ROW, _HEAD, _BARS = 76.0, 8.6, 13.0, 16.0, 26.0
_SIZE = 7.0


@dataclass(frozen=True)
class WearRow:
    """A participant's days with data by day: whether the device was worn long enough."""

    user_id: str
    days: Mapping[date, bool]

    @property
    def worn(self) -> int:
        """Days on which the device was worn."""
        return sum(self.days.values())


def wear_map(locale: Locale, cohort: Cohort, files: Mapping[str, str]) -> dict[str, Any]:
    """The map of the last weeks as `svg`, and `rest`: a sentence about those who are not drawn."""
    calendar = [day + timedelta(days=number) for day in mondays(cohort.monday, WEEKS) for number in range(7)]
    rows = sorted(
        _rows(cohort), key=lambda row: (sum(row.days.get(d, False) for d in calendar[-7:]), row.worn, row.user_id)
    )
    drawn, rest = rows[:MAX_ROWS], rows[MAX_ROWS:]
    if not rows:
        return {}
    sentence = (
        locale.text("map_rest", people=len(rest), least=min(r.worn for r in rest), days=len(calendar)) if rest else ""
    )
    return {"svg": draw_wear_map(locale, drawn, rows, calendar, files), "rest": sentence}


def _rows(cohort: Cohort) -> list[WearRow]:
    found: dict[str, dict[date, bool]] = {user_id: {} for user_id in cohort.adherence["user_id"]}
    for user_id, day, worn in cohort.wear.iter_rows():
        if user_id in found:
            found[user_id][day] = worn
    return [WearRow(user_id, days) for user_id, days in found.items()]


def draw_wear_map(
    locale: Locale,
    rows: Sequence[WearRow],
    everyone: Sequence[WearRow],
    calendar: Sequence[date],
    files: Mapping[str, str],
) -> str:
    """The SVG: above, how many of `everyone` wore the device on each day; below a row for each of `rows`."""
    top = _HEAD + _BARS + 8
    height = top + _ROW * len(rows)
    bars = [sum(row.days.get(day, False) for row in everyone) for day in calendar]
    parts = [
        f'<svg role="img" aria-labelledby="map-t map-d" viewBox="0 0 {PANEL} {height:g}">',
        f'<title id="map-t">{escape(locale.text("map_title"))}</title>',
        f'<desc id="map-d">{escape(locale.text("map_desc", people=len(everyone), days=len(calendar), least=min(bars), most=max(bars)))}</desc>',
        *(_monday(place, day, height) for place, day in enumerate(calendar) if place % 7 == 0),
        _text(0, _HEAD + _BARS, locale.text("map_all", people=len(everyone))),
        _path("".join(_bar(place, number / len(everyone)) for place, number in enumerate(bars)), f'fill="{INK}"'),
        _path(_cells(rows, calendar, top, worn=True), f'fill="{BLUE}"'),
        _path(_cells(rows, calendar, top, worn=False), f'fill="white" stroke="{BLUE}"'),
        *(_names(row, top + _ROW * place + 10, files.get(row.user_id), calendar) for place, row in enumerate(rows)),
    ]
    return "".join([*parts, "</svg>"])


def _x(place: int) -> float:
    return _LABEL + _STEP * place


def _monday(place: int, day: date, height: float) -> str:
    line = f'<path d="M{_x(place) - 0.8:.1f} {_HEAD - 12:g}V{height:g}" stroke="{LIGHT}" stroke-width=".8"/>'
    return line + _text(_x(place) + 1, _HEAD - 5, f"{day:%m-%d}")


def _bar(place: int, share: float) -> str:
    high = _BARS * share
    return f"M{_x(place):.1f} {_HEAD + _BARS - high:.1f}h{_SIZE:g}v{high:.1f}h-{_SIZE:g}z"


def _cells(rows: Sequence[WearRow], calendar: Sequence[date], top: float, *, worn: bool) -> str:
    """One path for all cells of a kind: full squares for worn days, low hollow ones for days with data alone."""
    high = _ROW - 3 if worn else 4.0
    return "".join(
        f"M{_x(column):.1f} {top + _ROW * (place + 1) - 2 - high:.1f}h{_SIZE:g}v{high:g}h-{_SIZE:g}z"
        for place, row in enumerate(rows)
        for column, day in enumerate(calendar)
        if row.days.get(day) is worn
    )


def _names(row: WearRow, y: float, file: str | None, calendar: Sequence[date]) -> str:
    """The participant's short name at the left, linked where there is a page, and the days worn at the right."""
    name = _text(0, y, short_id(row.user_id))
    linked = f'<a href="{escape(file)}">{name}</a>' if file else name
    return linked + _text(_x(len(calendar)) + 20, y, str(row.worn), ' text-anchor="end"')


def short_id(user_id: str) -> str:
    """The start of a user_id, as a participant is named where there is little room."""
    return user_id if len(user_id) <= _ID_LENGTH + 1 else f"{user_id[:_ID_LENGTH]}…"


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{INK}"{more}>{escape(text)}</text>'


def _path(d: str, paint: str) -> str:
    return f'<path d="{d}" {paint}/>' if d else ""
