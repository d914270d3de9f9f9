"""What is wrong when a check fails, as one sentence: the only wording that screens, mails and reports use."""

from collections.abc import Sequence

from qol.contracts.wording import count
from qol.quality.comparison import Comparison

#: Files that a sentence names before the rest is only counted.
MAX_FILES = 3
#: Differences that name table and week themselves.
_SENTENCES = ("people", "fresh")
#: What is wrong in a file, before the numbers; differences that say it themselves have none.
_LEADS = {
    "rows_as_expected": "the file does not have the rows of the run, ",
    "metrics_not_emptied": "almost no values are left, ",
    "rows_per_person": "users have too many or too few rows, ",
    "fields": "values are missing, ",
}


def files_sentence(wrong: Sequence[tuple[Comparison, str]]) -> str:
    """What is wrong in compared files, the newest first; `wrong` has the difference that was found in each."""
    told = [
        found if c.compared in _SENTENCES else f"{c.label}: {_LEADS.get(c.compared, '')}{found}"
        for c, found in wrong[:MAX_FILES]
    ]
    more = f" And {count(len(wrong) - MAX_FILES, 'more file')}." if len(wrong) > MAX_FILES else ""
    return " ".join(f"{text}." for text in told) + more


def rows_sentence(wrong: str, observed: str) -> str:
    """What is wrong in rows; `observed` is `2 of 4 rows; weekly_metrics 2026-W46: 2 rows of 1 user (steps)`."""
    rows, _, places = observed.partition("; ")
    return f"{wrong} in {places or rows}."


def rejected_sentence(observed: str) -> str:
    """Too many rejected items; `observed` is `4373 of 12475 items, 35 %`."""
    items, _, share = observed.partition(", ")
    return f"{items} ({share}) could not be used and were rejected."


def two_ids_sentence(users: int) -> str:
    """New entries of the user map that were not used."""
    entries = "a new entry of the user map" if users == 1 else "new entries of the user map"
    return f"{entries.capitalize()} would have given {count(users, 'user')} a second id; the keyed hash is kept."
