"""How hard property tests try: a few examples in `make test`, many in `make acceptance`."""

import os


def examples(few: int, many: int) -> int:
    """How many examples a property is tried on; `make acceptance` asks for many."""
    return many if os.environ.get("QOL_MANY_EXAMPLES") else few
