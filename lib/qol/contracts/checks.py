"""Checks of what spans contract files: raw places, deletions, the daily vocabulary, weekly columns, claims."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from qol.contracts.announce import announce_mistakes
from qol.contracts.collect import collect_mistakes
from qol.contracts.columns import table_schemas, weekly_columns
from qol.contracts.daily import DailyMetric, Relation
from qol.contracts.effect_checks import effect_mistakes
from qol.contracts.expressions import ColumnTypes
from qol.contracts.language import Mistake
from qol.contracts.model import Contracts
from qol.contracts.problems import problem
from qol.contracts.roots import DAILY, RULES, WEEKLY
from qol.contracts.rules import permission_mistakes
from qol.contracts.source import Only, SourceContract
from qol.contracts.source_checks import source_mistakes
from qol.contracts.weekly import Derived, RecallWindows, WeeklyGroup
from qol.contracts.wording import choices
from qol.errors import Problem
from qol.formulas import FORMULAS
from qol.formulas.registry import Kind

_CLOCK = ("circular_mean", "circular_sd", "last")
_QUANTITY = ("mean", "median", "sd", "min", "max", "sum", "last", "weekday_mean", "weekend_mean", "weighted_mean")


def contract_problems(contracts: Contracts) -> Iterator[Problem]:
    """Everything that is wrong in files that have the right shape."""
    for contract in contracts.sources:
        mistakes = [*source_mistakes(contract, contracts.metric)] or effect_mistakes(contract)
        yield from (problem(contract.file, mistake) for mistake in mistakes)
        yield from (problem(contract.file, mistake) for mistake in _deletes(contract, contracts.sources))
    yield from _places(contracts)
    yield from _rules(contracts)
    yield from _collect(contracts)
    if contracts.metrics:
        yield from (problem(DAILY, mistake) for mistake in _daily(contracts))
        yield from (problem(WEEKLY, mistake) for mistake in _weekly(contracts))


def column_problems(contracts: Contracts) -> Iterator[Problem]:
    """Columns of one name in a table, and relations that name unknown columns; of contracts without other problems."""
    for table, columns in table_schemas(contracts).items():
        for name, count in Counter(c.name for c in columns).items():
            if count > 1:
                yield Problem(WEEKLY, "", f"column {name} {count} times in {table}", "each column name once")
    types = ColumnTypes((column.name, column.type) for column in weekly_columns(contracts))
    yield from (problem(WEEKLY, mistake) for mistake in _relations(contracts.weekly_relations, types))


def _deletes(contract: SourceContract, sources: Sequence[SourceContract]) -> Iterator[Mistake]:
    """Both sides have to be document ids of one namespace, or no hash would ever be the same."""
    if contract.deletes is None:
        return
    field, own = contract.deletes.field, contract.by_name.get(contract.deletes.by)
    known = {c.record: c for c in sources if c.source == contract.source and c is not contract}
    for index, record in enumerate(contract.deletes.records):
        at = f"deletes.records.{index}"
        if record not in known:
            yield Mistake(at, record, f"another record type of the source: {choices(known, record)}")
            continue
        theirs = known[record].by_name.get(field)
        if theirs is None or theirs.type != "document_id":
            allowed = f"a document_id field of {record}, which has none of that name"
            yield Mistake("deletes.field", field, allowed)
        elif own is not None and (theirs.namespace or record) != (own.namespace or contract.record):
            allowed = f"one namespace for {own.name} and for {field} of {record}"
            yield Mistake(at, theirs.namespace or f"that of {record} alone", allowed)


def _places(contracts: Contracts) -> Iterator[Problem]:
    """Raw folders and envelope keys that are claimed twice; rules that lie in another source's folder."""
    owners: dict[tuple[str, str], str] = {}
    for source, rule in contracts.source_rules.items():
        file = f"sources/{source}/{RULES}"
        if rule.source != source:
            yield Problem(file, "source", rule.source, f"the folder's name, {source}")
        owners.update(((source, key), file) for key in rule.control_keys)
    for contract in contracts.sources:
        if contract.only is not None:
            yield from _only_once(contract, contract.only, contracts.sources)
        if contract.shares_places:
            yield from _shared_places(contract, contracts.sources)
            continue
        for word, what, owner in (("paths", "a raw folder", ""), ("envelope_keys", "a key", contract.source)):
            for index, name in enumerate(getattr(contract, word)):
                first = owners.setdefault((owner, name), contract.file)
                if first != contract.file:
                    yield Problem(contract.file, f"{word}.{index}", name, f"{what} that {first} does not claim")


def _only_once(contract: SourceContract, only: Only, sources: Sequence[SourceContract]) -> Iterator[Problem]:
    """Values of `only` that a contract before this one takes first, from the same places."""
    for other in sources[: sources.index(contract)]:
        places = {*other.paths, *other.envelope_keys} & {*contract.paths, *contract.envelope_keys}
        if (
            other.source == contract.source
            and other.only
            and other.only.path == only.path
            and (places or only.anywhere)
        ):
            for value in sorted(other.only.values & only.values):
                yield Problem(contract.file, "only.values", value, f"a value that {other.file} does not take")


def _shared_places(contract: SourceContract, sources: Sequence[SourceContract]) -> Iterator[Problem]:
    """A contract has `only`, but no other contract reads records of its folder or envelope key."""
    others = [c for c in sources if c.source == contract.source and c is not contract and not c.takes_anywhere]
    for word in ("paths", "envelope_keys"):
        taken = {name for c in others for name in getattr(c, word)}
        for index, name in enumerate(getattr(contract, word)):
            if name not in taken:
                allowed = f"with `only`, a place that another contract has: {choices(taken, name)}"
                yield Problem(contract.file, f"{word}.{index}", name, allowed)


def _rules(contracts: Contracts) -> Iterator[Problem]:
    """Envelope keys that rules take for something else, and lists within lists that no contract reads."""
    for source, rule in contracts.source_rules.items():
        file = f"sources/{source}/{RULES}"
        keys = {key: c.file for c in contracts.sources if c.source == source for key in c.envelope_keys}
        keys.update((key, file) for key in rule.control_keys)
        if rule.inherit_nested and not rule.nested:
            yield Problem(
                file, "inherit_nested", ", ".join(sorted(rule.inherit_nested)), "nested, whose elements give these"
            )
        if rule.ping is not None and rule.ping.has == rule.ping.lacks:
            yield Problem(file, "ping.lacks", rule.ping.lacks, "another key than has: no message has and lacks one")
        for key in rule.nested:
            if key not in keys:
                yield Problem(file, f"nested.{key}", key, f"an envelope key of the source: {choices(keys, key)}")
        for key in sorted(rule.never_store - rule.control_keys):
            yield Problem(file, "never_store", key, f"a control key: {choices(rule.control_keys, key)}")
        files = [path.stem for path in sorted((contracts.root / "sources" / source).glob("[!_]*.yaml"))]
        yield from (problem(file, mistake) for mistake in permission_mistakes(rule.permissions, files))
        if rule.announce is not None:
            records = [c.record for c in contracts.sources if c.source == source]
            yield from (
                problem(file, mistake.below("announce")) for mistake in announce_mistakes(rule.announce, records)
            )
        words = (("unwrap", rule.unwrap), ("inherit", rule.inherit), ("inherit_nested", rule.inherit_nested))
        for word, names in words:
            for key in sorted(names & keys.keys()):
                yield Problem(file, word, key, f"a key that holds no records; {keys[key]} has it")


def _collect(contracts: Contracts) -> Iterator[Problem]:
    """Words of `collect` that do not go together; what a source's rules lack for all of its records is told once, of the rules."""
    for source, endpoints in contracts.collected.items():
        rules = contracts.source_rules.get(source)
        if rules is None and (contracts.root / "sources" / source / RULES).is_file():
            continue  # its own mistakes are told
        inherit = rules.inherit if rules else frozenset()
        found = {
            record: [*collect_mistakes(collect, contracts.by_name[f"{source}_{record}"].person, inherit)]
            for record, collect in endpoints.items()
        }
        shared = [
            m
            for m in next(iter(found.values()))
            if rules and rules.collect and all(m in each for each in found.values())
        ]
        yield from (problem(f"sources/{source}/{RULES}", mistake.below("collect")) for mistake in shared)
        for record, mistakes in found.items():
            file = contracts.by_name[f"{source}_{record}"].file
            yield from (problem(file, mistake.below("collect")) for mistake in mistakes if mistake not in shared)


def _daily(contracts: Contracts) -> Iterator[Mistake]:
    for name, times in Counter(m.name for m in contracts.metrics).items():
        if times > 1:
            yield Mistake(f"groups.*.{name}", f"{times} times", "each metric in one group")
    given = ColumnTypes((m.name, m.column_type) for m in contracts.metrics if not m.from_metrics)
    for metric in contracts.metrics:
        at = f"groups.{metric.group}.{metric.name}"
        yield from (mistake.below(at) for mistake in metric.mistakes())
        if metric.from_metrics:
            kind = "a whole number" if metric.type == "integer" else "a number"
            yield from given.mistakes(f"{at}.from_metrics", metric.from_metrics, kind)
    yield from _relations(contracts.relations, ColumnTypes((m.name, m.column_type) for m in contracts.metrics))


def _relations(relations: Sequence[Relation], types: ColumnTypes) -> Iterator[Mistake]:
    for relation in relations:
        for side, sql in (("left", relation.left), ("right", relation.right)):
            yield from types.mistakes(f"relations.{relation.id}.{side}", sql, "a number")


def _weekly(contracts: Contracts) -> Iterator[Mistake]:
    """Weekly groups, metrics, aggregates, formulas, holidays and windows that do not fit the daily vocabulary."""
    for group in contracts.groups:
        yield from _group(group, contracts)
    by_name = {group.name: group for group in contracts.groups}
    for column in contracts.derived:
        yield from _derived(column, by_name, contracts)
    if contracts.holidays is not None and contracts.holidays not in (known := _countries()):
        allowed = f"a country whose public holidays are known: {choices(known, contracts.holidays)}"
        yield Mistake("holidays", contracts.holidays, allowed)
    reading = [name for name, formula in FORMULAS.items() if formula.with_holidays]
    if contracts.holidays is not None and not any(rule.formula in reading for rule in contracts.derived):
        yield Mistake("holidays", contracts.holidays, f"a formula that reads them: {choices(reading)}")
    regular: dict[str, tuple[str, ...]] = {}
    for rule in contracts.derived:
        if rule.formula in ("regularity", "regularity_pairs") and rule.of != regular.setdefault(rule.group, rule.of):
            allowed = f"the same as the group's first: {', '.join(regular[rule.group])}"
            yield Mistake(f"derived.{rule.name}.of", ", ".join(rule.of), allowed)
    if contracts.windows is not None:
        yield from _windows(contracts.windows, by_name)


def _countries() -> list[str]:
    """ISO codes of the countries with a calendar."""
    from holidays.registry import COUNTRIES

    return sorted(codes[1] for codes in COUNTRIES.values())


def _windows(windows: RecallWindows, groups: Mapping[str, WeeklyGroup]) -> Iterator[Mistake]:
    if windows.of not in groups:
        yield Mistake("windows.of", windows.of, f"a weekly group: {choices(groups, windows.of)}")
    others = [name for group in groups.values() if group.name != windows.of for name in group.metrics]
    yield from _unknown("windows.metrics", windows.metrics, others, "a weekly metric of another group")


def _unknown(at: str, names: Sequence[str], known: Sequence[str], what: str) -> Iterator[Mistake]:
    for index, name in enumerate(names):
        if name not in known:
            yield Mistake(f"{at}.{index}", name, f"{what}: {choices(known, name)}")


def _group(group: WeeklyGroup, contracts: Contracts) -> Iterator[Mistake]:
    at, members = f"groups.{group.name}", {m.name: m for m in contracts.group_metrics.get(group.name, ())}
    if not members:
        allowed = f"a group of the daily vocabulary: {choices(contracts.group_metrics, group.name)}"
        yield Mistake(at, group.name, allowed)
        return
    for word, names in (("anchor", group.anchor), ("own_days", group.own_days)):
        yield from _unknown(f"{at}.{word}", names, [*members], "a metric of the group")
    for index, name in enumerate(group.own_days):
        if not group.anchor or name in group.anchor:
            yield Mistake(
                f"{at}.own_days.{index}", name, "a metric beside the anchors of anchor, each of which counts alone"
            )
    for name, aggregates in group.metrics.items():
        if name not in members:
            yield Mistake(f"{at}.metrics.{name}", name, f"a metric of the group: {choices(members, name)}")
        else:
            yield from _aggregates(f"{at}.metrics.{name}", members[name], aggregates)


def _aggregates(at: str, metric: DailyMetric, aggregates: Sequence[str]) -> Iterator[Mistake]:
    if metric.type == "intervals":
        yield Mistake(at, metric.name, "a metric of one number a day")
        return
    allowed, kind = (_CLOCK, "a time of day") if metric.clock else (_QUANTITY, "a quantity")
    yield from _unknown(at, aggregates, allowed, f"for {kind}")


def _derived(column: Derived, groups: Mapping[str, WeeklyGroup], contracts: Contracts) -> Iterator[Mistake]:
    at, group = f"derived.{column.name}", groups.get(column.group)
    if group is None:
        yield Mistake(f"{at}.group", column.group, f"a weekly group: {choices(groups, column.group)}")
        return
    members = [m.name for m in contracts.group_metrics.get(group.name, ())]
    yield from _unknown(f"{at}.of", column.of, members, f"a metric of {group.name}")
    yield from _unknown(f"{at}.total", column.total, members, f"a metric of {group.name}")
    yield from (mistake.below(at) for mistake in column.mistakes())
    aggregates = group.metrics.get(column.of[0], ())
    if column.aggregate and column.aggregate not in aggregates:
        allowed = f"of {column.of[0]}: {', '.join(aggregates) or 'nothing'}"
        yield Mistake(f"{at}.aggregate", column.aggregate, allowed)
    yield from (mistake.below(at) for mistake in _kinds(column, contracts.metric))
    if FORMULAS[column.formula].with_holidays and contracts.holidays is None:
        yield Mistake(f"{at}.formula", column.formula, "with `holidays`, which tells free days from work days")


def _kinds(column: Derived, metrics: Mapping[str, DailyMetric]) -> Iterator[Mistake]:
    """Metrics that are not what the formula reads."""
    reads: list[tuple[str, str, Kind]] = [
        *((f"of.{i}", *pair) for i, pair in enumerate(zip(column.of, FORMULAS[column.formula].reads, strict=False))),
        *((f"total.{i}", name, "a quantity") for i, name in enumerate(column.total)),
    ]
    for at, name, kind in reads:
        if name in metrics and not _is(kind, metrics[name]):
            yield Mistake(at, name, f"{kind} for {column.formula}")


def _is(kind: Kind, metric: DailyMetric) -> bool:
    if metric.type == "intervals" or kind == "stretches":
        return metric.type == "intervals" and kind == "stretches"
    return kind == "a number" or (kind == "a time of day") == metric.clock
