from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples on every machine, and no folder of remembered ones.
settings.register_profile(
    "project", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")
