"""The catalog's sections about sources: what their rules and contracts say, in words."""

from __future__ import annotations

from collections.abc import Iterator

from qol.contracts.columns import field_meaning
from qol.contracts.markdown import code, codes, number, table
from qol.contracts.quality import SEVERITIES, RecordQuality
from qol.contracts.raw_path import path_text
from qol.contracts.source_model import Episodes, Field, SampleRule, SourceContract, SourceRules


def rules_section(rules: SourceRules) -> str:
    """What holds for all records of a source."""
    facts = [
        f"Counted as control, never as records: {codes(sorted(rules.control_keys))}" if rules.control_keys else "",
        f"A record with {code(rules.ping[0])} and no {code(rules.ping[1])} announces data and is none"
        if rules.ping
        else "",
        f"Wrappers whose content stands for the envelope: {codes(sorted(rules.unwrap))}" if rules.unwrap else "",
        f"Records have from the envelope around them: {codes(sorted(rules.inherit))}" if rules.inherit else "",
        *(f"Elements of {code(key)} hold their records under {code(below)}" for key, below in rules.nested.items()),
        "Values may carry their type, as DynamoDB exports them" if rules.typed_values else "",
        "The person is whoever has the device on the day, by `from` and `to` of the user map"
        if rules.people_by_day
        else "",
    ]
    return "\n".join([f"### {rules.source}: all records\n", *(f"- {fact}" for fact in facts if fact), ""])


def source_section(contract: SourceContract) -> str:
    """What one contract says, with a table of its fields."""
    facts = [
        f"Raw folders: {codes(contract.paths)}",
        f"Envelope keys: {codes(contract.envelope_keys) or 'none'}",
        *_only(contract),
        f"Key: person, {codes(contract.key)}",
        f"Of two records of one key the later wins: {_versions(contract)}",
        f"Day: {_day_rule(contract)}",
    ]
    facts += _across_records(contract)
    if contract.wear:
        minutes = " and ".join(code(sql) for sql in (contract.wear.minutes, contract.wear.at_most) if sql)
        facts.append(f"Not worn: less than {contract.wear.limit_minutes:g} minutes of {minutes}")
    facts += _quality(contract.quality)
    facts += [f"Never stored: {codes(contract.drop)}"] if contract.drop else []
    facts += [f"Parameter {code(p.name)} = {p.value:g}: {p.description}" for p in contract.parameters]
    facts += [f"Helper {code(name)} = {code(sql)}" for name, sql in contract.derived.items()]
    facts += [f"Daily only where {code(contract.daily['where'])}"] if "where" in contract.daily else []
    rows = [
        [code(f.name), _raw_place(f), f.column_type, f.unit or "", _allowed(f), field_meaning(f)]
        for f in contract.fields
    ]
    return "\n".join(
        [
            f"### {contract.source} {contract.record}\n",
            f"{contract.description}\n",
            *(f"- {fact}" for fact in facts),
            "",
            table(["column", "raw path", "type", "unit", "allowed", "meaning"], rows),
        ]
    )


def _only(contract: SourceContract) -> Iterator[str]:
    """Which records of its places a contract takes."""
    if contract.only_path:
        where = "from every place of the source, before pings are told" if contract.anywhere else "of these places"
        yield f"Takes, {where}, records with {code(path_text(contract.only_path))} = {codes(sorted(contract.only_values))}"


def _versions(contract: SourceContract) -> str:
    """What orders the versions of a record, in words."""
    times = {name for name in contract.version if contract.by_name[name].type == "instant"}
    fields = [f"{code(name)} (receipt where it is null)" if name in times else code(name) for name in contract.version]
    return ", ".join([*fields, codes(["received_at", "arrival_date"])])


def _quality(said: RecordQuality) -> Iterator[str]:
    """What differs from schemas/quality.yaml."""
    if said.fresh_within_days is not None:
        yield f"Newest day: at most {said.fresh_within_days} days before the run"
    for severity in SEVERITIES:
        names = [name for name, found in said.fields.items() if found == severity]
        if names:
            yield f"Null far more often than in the four weeks before: {severity} for {codes(names)}"
    for compared, severity in said.severity.items():
        yield f"Not as in the four weeks before, {code(compared)}: {severity}"


def _day_rule(contract: SourceContract) -> str:
    day = contract.day
    steps = [
        f"{code(day.date)} (`provider`)" if day.date else "",
        f"the UTC date of {code(day.start)} at exactly 00:00:00 UTC (`provider`)" if day.utc_midnight else "",
        f"{code(day.start)} + {code(day.offset)} (`offset`)" if day.start and day.offset else "",
        f"{code(day.start)} in the zone {code(day.zone)} (`zone`)" if day.zone else "",
        f"{code(day.start)} in the person's zone (`zone`)" if day.start else "",
        "the arrival day (`arrival`)",
    ]
    shift = f"; {day.shift_hours:g} hours are added to local time first" if day.shift_hours else ""
    return ", else ".join(step for step in steps if step) + shift


def _across_records(contract: SourceContract) -> list[str]:
    """What several records of a person do to each other."""
    facts = [f"Slot: a delivery replaces all records of person, {codes(contract.slot)}"] if contract.slot else []
    if contract.deletes:
        gone = contract.deletes
        facts.append(f"Deletes: {code(gone.by)} names records by {code(gone.field)} that count no more")
    if contract.overlaps:
        over = contract.overlaps
        facts.append(
            f"Overlaps: of records from {code(over.start)} to {code(over.end)} the first {code(over.by)} of "
            f"{codes(over.order)} counts whole, each other with its free share {code(over.share)}"
        )
    if contract.stages:
        stages = contract.stages
        facts.append(
            f"Sessions: stages of one {code(stages.by)} with no gap over {stages.gap_minutes:g} minutes; "
            f"believed in the order {codes(stages.order)}"
        )
    if contract.best:
        facts.append(f"Best record of a day: the one with the highest {codes(contract.best)}, then the latest")
    return facts + ([_episodes(contract.episodes)] if contract.episodes else [])


def _episodes(episodes: Episodes) -> str:
    tiers = " < ".join(codes(tier) for tier in episodes.rank_tiers)
    rest = f"; the others add to {code(episodes.rest_to)}" if episodes.rest_to else ""
    span = f"{code(episodes.start)} to {code(episodes.end)}"
    return (
        f"Episodes: {span}; of overlapping ones the better {code(episodes.rank_field)} stays: {tiers}; "
        f"the one with most {code(episodes.main)} is the day's main one{rest}"
    )


def _raw_place(field: Field) -> str:
    place = " or ".join(code(path_text(path)) for path in field.paths)
    rule = field.samples
    if rule is None:
        return place + (f" in the unit at {code(path_text(field.units))}" if field.units else "")
    if rule.reduce == "intervals":
        return f"{_stretches(rule)} in {place}"
    of = f" of {code(rule.of)}" if rule.of else ""
    keys = f" under {codes(rule.keys)}" if rule.keys else ""
    within = f" within {rule.within[0]:g} to {rule.within[1]:g}" if rule.within else ""
    decimals = f", {field.decimals} decimals" if field.decimals is not None else ""
    return f"{rule.reduce}{of} in {place}{keys}{within}{decimals}"


def _stretches(rule: SampleRule) -> str:
    if rule.characters is not None:
        return f"runs of the characters {codes(rule.characters)}, {rule.seconds_each:g} s each from {code(rule.start_field)} on,"
    keys = f" under {codes(rule.keys)}" if rule.keys else ""
    return f"stretches from {code(rule.start)} to {code(rule.end)}{keys}"


def _allowed(field: Field) -> str:
    rule = field.samples
    low, high = (rule.low, rule.high) if rule else (field.low, field.high)
    parts = [] if low is None or high is None else [f"{number(low)} to {number(high)}"]
    parts += [f"{number(least)} to {number(most)} for {code(kind)}" for kind, (least, most) in field.ranges.items()]
    parts += [f"{number(value)} = no value" for value in field.sentinels]
    parts += [f"{number(rule.states_low)} to -1 = states"] if rule and rule.states_low is not None else []
    return ", ".join(parts)
