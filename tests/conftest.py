"""Settings for all tests: timeouts, Hypothesis profiles and ignored files."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The workers of pytest-xdist get the size of a terminal that they do not have.
for variable in ("COLUMNS", "LINES"):
    os.environ.pop(variable, None)

# The timeout of a test that compiles Go, including the time to fill an empty build cache.
GO_SECONDS = 1800

# Timing means nothing on a machine that also runs daemons: neither the duration of a test nor
# the time to generate its examples.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", patient)
settings.register_profile("ci", patient, derandomize=True)
settings.register_profile("fuzz", patient, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

# A program with a dependency that no test needs; pytest would import it to find doctests.
collect_ignore = ["property/fuzz_parser.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("go") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(GO_SECONDS))
