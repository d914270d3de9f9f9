"""What `qol collect` keeps of erased users outside the raw lines: their tokens, and how far they are collected."""

from qol.collect.tokens import TokenStore, open_tokens
from qol.collect.watermarks import forget, read_state, state_key
from qol.lake.base import Lake
from qol.people.erase_map import is_mine
from qol.people.person import People, Person


def erase_collected(lake: Lake, people: People, person: Person, tokens: str | None, *, acts: bool) -> dict[str, int]:
    """Remove, or only count, the person's entries in the state of each collected source, and in the store of --tokens.

    A layer is named only where there is one: a lake that nothing was collected into has none.
    """
    counts: dict[str, int] = {}
    for source in people.contracts.collected:
        if lake.stat(state_key(source)) is not None:
            mine = [vendor for vendor in read_state(lake, source).persons if _is_mine(people, person, source, vendor)]
            counts["collected days"] = counts.get("collected days", 0) + len(mine)
            for vendor in mine if acts else ():
                forget(lake, source, vendor)
        if tokens is not None:
            store = open_tokens(tokens, source)
            counts["tokens"] = counts.get("tokens", 0) + _erase_tokens(store, people, person, source, acts=acts)
    return counts


def _erase_tokens(store: TokenStore, people: People, person: Person, source: str, *, acts: bool) -> int:
    mine = [vendor for vendor in store.users() if _is_mine(people, person, source, vendor)]
    for vendor in mine if acts else ():
        store.remove(vendor)
    return len(mine)


def _is_mine(people: People, person: Person, source: str, vendor: str) -> bool:
    return is_mine(people.identities, person, source, vendor, people.identities.user_hash(source, vendor))
