"""All that `schemas/` says, and the columns people read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from qol.contracts.collect import Collect
from qol.contracts.collect_rules import endpoint
from qol.contracts.daily import DailyMetric, Relation
from qol.contracts.quality import Claim, Quality
from qol.contracts.retention import Retention
from qol.contracts.rules import SourceRules
from qol.contracts.source import SourceContract
from qol.contracts.units import Unit
from qol.contracts.weekly import Derived, RecallWindows, WeeklyGroup


@dataclass(frozen=True)
class Column:
    """One column of a table that people read."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Contracts:
    """All that `schemas/` says."""

    root: Path
    sources: tuple[SourceContract, ...]
    metrics: tuple[DailyMetric, ...]
    relations: tuple[Relation, ...]
    groups: tuple[WeeklyGroup, ...]
    derived: tuple[Derived, ...]
    fingerprint: str = field(default="", compare=False)
    source_rules: Mapping[str, SourceRules] = field(default_factory=dict)
    #: Country whose public holidays are free days, besides Saturday and Sunday; none without it.
    holidays: str | None = None
    windows: RecallWindows | None = None
    #: Claims between columns of `weekly_metrics`; `relations` holds those of `daily_metrics`.
    weekly_relations: tuple[Relation, ...] = ()
    ordered: Claim | None = None
    ranges: Claim | None = None
    quality: Quality = field(default_factory=Quality.model_construct)
    retention: Retention = field(default_factory=Retention)
    #: Units by the way vendors write them.
    units: Mapping[str, Unit] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, SourceContract]:
        """Source contracts by `<source>_<record>`."""
        return {c.name: c for c in self.sources}

    @cached_property
    def metric(self) -> Mapping[str, DailyMetric]:
        """Daily metrics by name."""
        return {m.name: m for m in self.metrics}

    @cached_property
    def group_metrics(self) -> Mapping[str, tuple[DailyMetric, ...]]:
        """Daily metrics by group, in column order."""
        groups = dict.fromkeys(metric.group for metric in self.metrics)
        return {name: tuple(metric for metric in self.metrics if metric.group == name) for name in groups}

    def for_path(self, folder: str) -> SourceContract | None:
        """The contract of a raw folder such as `raw/garmin/sleeps`, or None; one of them where all of the folder have `only`."""
        return self._paths.get(folder)

    def for_envelope(self, source: str, key: str) -> SourceContract | None:
        """The contract of an envelope key of that source, or None; one of them where all of the key have `only`."""
        return self._envelopes.get((source, key))

    def sharing(self, contract: SourceContract) -> tuple[SourceContract, ...]:
        """Contracts with `only` that take some of the records found at a place of this contract.

        Where no contract takes the rest, they are all contracts of the place, this one included.
        """
        return self._sharing.get(contract.name, ())

    def anywhere(self, source: str) -> tuple[SourceContract, ...]:
        """Contracts that take their records from every place of the source."""
        return tuple(c for c in self.sources if c.source == source and c.takes_anywhere)

    @cached_property
    def collected(self) -> Mapping[str, Mapping[str, Collect]]:
        """By source and record type, how `qol collect` asks for it: the words of the source's rules and its own together."""
        found: dict[str, dict[str, Collect]] = {}
        for contract in self.sources:
            rules = self.source_rules.get(contract.source)
            asked = endpoint(contract.record, rules.collect if rules else None, contract.collect)
            if asked is not None:
                found.setdefault(contract.source, {})[contract.record] = asked
        return found

    @cached_property
    def _sharing(self) -> Mapping[str, tuple[SourceContract, ...]]:
        sharing = [c for c in self.sources if c.shares_places]
        with_default = {(c.source, key) for c in self.sources if not c.shares_places for key in c.envelope_keys}
        return {
            owner.name: tuple(
                c
                for c in sharing
                if c.source == owner.source and {*c.envelope_keys, *c.paths} & {*owner.envelope_keys, *owner.paths}
            )
            for owner in self.sources
            if not owner.shares_places or with_default.isdisjoint((owner.source, key) for key in owner.envelope_keys)
        }

    @cached_property
    def _defaults_last(self) -> list[SourceContract]:
        """Contracts, those last that take what no `only` does: of two at one place the last counts."""
        return sorted(self.sources, key=lambda contract: not contract.shares_places)

    @cached_property
    def _paths(self) -> Mapping[str, SourceContract]:
        return {path: c for c in self._defaults_last for path in c.paths}

    @cached_property
    def _envelopes(self) -> Mapping[tuple[str, str], SourceContract]:
        return {(c.source, key): c for c in self._defaults_last for key in c.envelope_keys}
