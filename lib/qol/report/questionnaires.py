"""One user's questionnaires: the last one beside earlier ones, and its scales from 0 to 100 as bars."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from qol.contracts.weekly import WeeklyGroup
from qol.report.blocks import Cell, Chart, Row
from qol.report.locales import Locale
from qol.report.report_data import UserWeeks
from qol.report.shown_columns import questionnaires
from qol.report.user_charts import draw_profile

#: The last questionnaire and the two before it: as many days as fit a phone.
MAX_ANSWERS = 3
#: What is drawn as a bar; all other values are in the table.
_PROFILE = (0, 100)

_Answer = Mapping[str, Any]


def answered(locale: Locale, user: UserWeeks) -> list[dict[str, Any]]:
    """Each questionnaire with its `heads` (days, newest first), its `rows` (a cell per day) and its `profile`."""
    return [
        _shown(locale, group, found) for group in questionnaires(locale.contracts) if (found := _answers(user, group))
    ]


def _answers(user: UserWeeks, group: WeeklyGroup) -> list[_Answer]:
    """A group's newest answers up to the end of the week, one per day."""
    days: dict[Any, _Answer] = {}
    for row in user.answers.iter_rows(named=True):
        if row["day"] < user.monday + timedelta(days=7) and any(row[name] is not None for name in group.metrics):
            days.setdefault(row["day"], row)
    return list(days.values())[:MAX_ANSWERS]


def _shown(locale: Locale, group: WeeklyGroup, answers: Sequence[_Answer]) -> dict[str, Any]:
    rows = [_row(locale, name, answers) for name in group.metrics if any(row[name] is not None for row in answers)]
    heads = {str(row["day"]): str(row["day"]) for row in answers}
    return {"group": group.name, "heads": heads, "rows": rows, "profile": _profile(locale, group, answers)}


def _row(locale: Locale, name: str, answers: Sequence[_Answer]) -> Row:
    cells = tuple(Cell(locale.number(row[name]), row[name]) for row in answers)
    return Row(name, locale.metric(name), cells, locale.unit(name, locale.contracts.metric[name].unit))


def _profile(locale: Locale, group: WeeklyGroup, answers: Sequence[_Answer]) -> Chart | None:
    """The last answers as bars, with a mark at those before."""
    last, before = answers[0], answers[1] if len(answers) > 1 else {}
    scales = [locale.contracts.metric[name] for name in group.metrics]
    drawn = [metric for metric in scales if metric.range == _PROFILE and last[metric.name] is not None]
    if not drawn:
        return None
    bars = [
        (locale.metric(m.name), float(last[m.name]), locale.number(last[m.name]), before.get(m.name)) for m in drawn
    ]
    unit, title = locale.unit(drawn[0].name, drawn[0].unit), locale.text("profile_caption", day=last["day"])
    texts = [locale.text("valued", label=label, value=text, unit=unit) for label, _, text, _ in bars]
    svg = draw_profile(f"{group.name}-profile", title, locale.text("semicolon").join(texts), bars)
    return Chart(title, unit, svg)
