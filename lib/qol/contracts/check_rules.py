"""Checks of what holds for all records of one source against the source's contracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qol.contracts.source_model import SourceContract, SourceRules
from qol.contracts.wording import choices
from qol.errors import Problem


def rules_problems(sources: Sequence[SourceContract], rules: Mapping[str, SourceRules]) -> Iterator[Problem]:
    """Envelope keys that rules take for something else, and lists within lists that no contract reads."""
    for source, rule in rules.items():
        file = f"sources/{source}/_rules.yaml"
        keys = {key: c.file for c in sources if c.source == source for key in c.envelope_keys}
        keys.update((key, file) for key in rule.control_keys)
        for key in rule.nested:
            if key not in keys:
                yield Problem(file, f"nested.{key}", key, f"an envelope key of the source: {choices(keys, key)}")
        for place, names in (("unwrap", rule.unwrap), ("inherit", rule.inherit)):
            for key in sorted(names & keys.keys()):
                yield Problem(file, place, key, f"a key that holds no records; {keys[key]} has it")
