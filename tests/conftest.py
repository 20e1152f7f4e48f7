"""Settings of all tests: how long they may take and search, and what is no test."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# How long a test may take that compiles Go, for which an empty cache is filled first.
GO_SECONDS = 1800

# Timing says nothing on a machine that runs daemons beside the tests: neither how long a test
# takes, nor how long it takes to make its examples.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", patient)
settings.register_profile("ci", patient, derandomize=True)
settings.register_profile("fuzz", patient, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

# A program whose only dependency no test needs; doctests would be looked for in it.
collect_ignore = ["property/fuzz_parser.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("go") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(GO_SECONDS))
