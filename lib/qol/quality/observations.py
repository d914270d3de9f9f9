"""The text of what a check observed: tables, weeks and counts; never a value of a row."""

from collections.abc import Sequence

from qol.contracts.wording import count
from qol.quality.comparison import Comparison
from qol.quality.gate_checks import Check, CheckObservation
from qol.quality.sentences import files_sentence, rejected_sentence, two_ids_sentence

#: Files or weeks that are named before the rest is only counted.
MAX_NAMED = 5


def observe_run(rejected: int, items: int) -> CheckObservation:
    """The observation of the check of rejected items."""
    percent = 100 * rejected / items if items else 0.0
    text = f"{rejected} of {items} items, {percent:.{0 if percent >= 10 else 1}f} %"
    return CheckObservation(checked=True, text=text, finding=rejected_sentence(text))


def observe_two_ids(users: int) -> CheckObservation:
    """The observation of the check of users whom an entry would have given a second id."""
    kept = "; the keyed hash is kept, the entry not used" if users else ""
    return CheckObservation(checked=True, text=f"{count(users, 'user')}{kept}", finding=two_ids_sentence(users))


def observe_files(check: Check, comparisons: Sequence[Comparison]) -> CheckObservation:
    """The observation of a check of compared files, the newest week first."""
    of_check = [c for c in comparisons if c.compared == check.compared]
    newest_first = sorted(of_check, key=lambda c: c.date, reverse=True)
    compared = [c for c in newest_first if not c.not_checked]
    skipped = _not_checked(newest_first)
    if not compared:
        return CheckObservation(checked=False, text=skipped or "not checked: no file to compare")
    wrong = [(c, c.found[check.severity]) for c in compared if check.severity in c.found]
    places = named([f"{c.place}: {found}" for c, found in wrong], "file")
    parts = [f"{len(wrong)} of {count(len(compared), 'file')}", places, skipped]
    return CheckObservation(checked=True, text="; ".join(filter(None, parts)), finding=files_sentence(wrong))


def _not_checked(comparisons: Sequence[Comparison]) -> str:
    """The reasons why files were not checked, each with an example."""
    places: dict[str, list[str]] = {}
    for one in comparisons:
        if one.not_checked:
            places.setdefault(one.not_checked, []).append(one.place)
    reasons = [
        f"{reason} ({files[0] if len(files) == 1 else f'{len(files)} files such as {files[0]}'})"
        for reason, files in places.items()
    ]
    return f"not checked: {', '.join(reasons)}" if reasons else ""


def named(texts: Sequence[str], noun: str) -> str:
    """The first texts; of the rest only how many there are."""
    more = f" and {count(len(texts) - MAX_NAMED, f'more {noun}')}" if len(texts) > MAX_NAMED else ""
    return ", ".join(texts[:MAX_NAMED]) + more
