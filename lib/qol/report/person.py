"""One person's page: the week beside the one before, four weeks of days and nights, the survey's profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from qol.contracts.model import Contracts
from qol.report.blocks import Block, Cell, Chart, Charts, Page, Row, Section, Table, Text
from qol.report.choose import CHANGE, YES_NO, Shown, all_columns, group_columns
from qol.report.days import days_sections
from qol.report.person_figures import draw_profile
from qol.report.read import Person
from qol.report.words import DAY_MINUTES, Words, signed
from qol.tables.weeks import WEEK, iso_week

SURVEY = "survey"
#: Columns of the WHO's quality-of-life questionnaires on their scale from 0 to 100.
_PROFILE_START, _PROFILE_SCALE = "whoqol_", "_t100"

_Weekly = Mapping[str, Any]


def person_page(words: Words, contracts: Contracts, person: Person) -> Page:
    """The page of one person in a week."""
    this = person.weekly[person.monday] or {}
    before = person.weekly.get(person.monday - WEEK) or {}
    days = this.get("days_observed")
    lead = words.say("person_lead", days=days) if days is not None else words.say("person_no_week")
    summary = Section("summary", words.say("summary_title"), [_groups(words, contracts, this)])
    compared = Section("weeks", words.say("weeks_title"), list(_weeks(words, contracts, this, before, person)))
    return Page(
        words.say("person_title", week=iso_week(person.monday)),
        (
            words.say("person_id", person=person.user_id),
            words.say("week_dates", first=person.monday, last=person.monday + timedelta(days=6)),
            lead,
        ),
        (summary, compared, *days_sections(words, contracts, person), *_survey(words, contracts, this)),
        (words.say("pseudonyms"), words.say("foot")),
    )


def _groups(words: Words, contracts: Contracts, this: _Weekly) -> Table:
    """Where each group's values come from, and whether there were days enough."""
    rows = []
    for group in contracts.groups:
        source, valid = this.get(f"{group.name}_source"), this.get(f"{group.name}_valid")
        days = this.get(f"{group.name}_valid_days")
        cells = (
            Cell(words.name("sources", source) if source else words.say("no_data"), source),
            Cell(words.number(days), days),
            Cell(words.number(valid), valid),
            Cell(words.say("at_least_days", days=group.min_valid_days), group.min_valid_days),
        )
        rows.append(Row(group.name, words.name("groups", group.name), cells))
    heads = tuple(map(words.say, ("group", "source", "valid_days", "valid_week", "needs")))
    columns = ("source", "days", "valid", "needs")
    return Table("groups", words.say("groups_caption"), heads, columns, tuple(rows))


def _weeks(words: Words, contracts: Contracts, this: _Weekly, before: _Weekly, person: Person) -> Iterator[Block]:
    """A table per group with a value in either week; the other groups in one line."""
    yield Text(words.say("change_key"), "key")
    names, left_out = (iso_week(person.monday), iso_week(person.monday - WEEK)), []
    heads = (words.say("measure"), *names, words.say("change"))
    for group in contracts.groups:
        known = [s for s in group_columns(contracts, group) if {this.get(s.column), before.get(s.column)} != {None}]
        if known:
            rows = tuple(_compared(words, column, this, before) for column in known)
            caption = words.name("groups", group.name)
            yield Table(f"weeks-{group.name}", caption, heads, ("this", "before", "change"), rows)
        else:
            left_out.append(words.name("groups", group.name))
    if left_out:
        yield Text(words.say("no_data_groups", groups=words.say("comma").join(left_out)))


def _compared(words: Words, shown: Shown, this: _Weekly, before: _Weekly) -> Row:
    values = [week.get(shown.column) for week in (this, before)]
    size = max((abs(value) for value in values if value is not None), default=None)
    cells = [Cell(words.value(shown, value, size), value) for value in values]
    unit = "" if shown.unit == YES_NO else words.unit(shown.name, shown.unit)
    return Row(shown.column, words.label(shown), (*cells, _change(words, shown, this, before, size)), unit)


def _change(words: Words, shown: Shown, this: _Weekly, before: _Weekly, size: float | None) -> Cell:
    """The table's own change where it has one, else this week minus the one before, by the same rule."""
    now, then = this.get(shown.column), before.get(shown.column)
    if now is None or then is None or not _comparable(shown.group, this, before):
        return Cell(words.say("not_comparable"))
    if isinstance(now, bool):
        return Cell(words.say("same" if now == then else "changed"))
    if shown.clock:
        moved = shown.rounded(clock_change(now, then))
        return Cell(words.say("minutes", number=signed(round(moved))), moved)
    published = this.get(f"{shown.column}{CHANGE}")
    moved = shown.rounded(now - then) if published is None else published
    return Cell(signed(moved, size), moved)


def _comparable(group: str, this: _Weekly, before: _Weekly) -> bool:
    """Whether both weeks are valid and of one source: another source measures otherwise."""
    both_valid = this.get(f"{group}_valid") and before.get(f"{group}_valid")
    return bool(both_valid) and this.get(f"{group}_source") == before.get(f"{group}_source")


def clock_change(now: float, then: float) -> float:
    """Minutes between two times of the day, the shorter way round the clock; negative is earlier."""
    half = DAY_MINUTES / 2
    return (now - then + half) % DAY_MINUTES - half


def _survey(words: Words, contracts: Contracts, this: _Weekly) -> tuple[Section, ...]:
    """The profile when the contracts have its columns; in words when the week has no answers."""
    profile = [
        shown
        for shown in all_columns(contracts)
        if shown.group == SURVEY and shown.name.startswith(_PROFILE_START) and _PROFILE_SCALE in shown.name
    ]
    if not profile:
        return ()
    known = [shown for shown in profile if this.get(shown.column) is not None]
    blocks = list(_profile(words, known, this)) if known else [Text(words.say("no_survey"))]
    return (Section("survey", words.say("survey_title"), blocks),)


def _profile(words: Words, known: list[Shown], this: _Weekly) -> Iterator[Block]:
    bars = [(words.metric(s.name), float(this[s.column]), words.value(s, this[s.column])) for s in known]
    unit = words.unit(known[0].name, known[0].unit)
    said = words.say("semicolon").join(
        words.say("valued", label=label, value=text, unit=unit) for label, _, text in bars
    )
    title = words.say("survey_caption")
    yield Text(words.say("survey_key"), "key")
    yield Charts((Chart(title, unit, draw_profile("survey-profile", title, said, bars)),), wide=True)
    rows = tuple(
        Row(s.column, words.metric(s.name), (Cell(text, this[s.column]),), words.unit(s.name, s.unit))
        for s, (_, _, text) in zip(known, bars, strict=True)
    )
    heads = tuple(map(words.say, ("measure", "value")))
    yield Table("profile", title, heads, ("value",), rows)
