"""Why a value is there or missing: from a weekly value to daily values, records, raw lines and rejects."""
