"""The gate: nothing becomes visible before the candidate passed its checks."""
