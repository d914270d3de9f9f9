"""Pure functions table -> table: records, daily rows and weekly rows, exact and the same on every machine."""
