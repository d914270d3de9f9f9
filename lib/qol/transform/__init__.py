"""Pure functions from table to table: records, daily rows, weekly rows; the same bytes for any order of rows."""
