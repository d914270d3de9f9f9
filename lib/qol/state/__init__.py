"""What the API remembers: users, goals, keys, events, readings and latest values, in a database or in DynamoDB."""

from qol.state.store import KINDS, Item, State, StateError, all_items, open_state

__all__ = ["KINDS", "Item", "State", "StateError", "all_items", "open_state"]
