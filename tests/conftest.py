"""Settings of all tests: how long property tests search, and what is no test."""

from __future__ import annotations

import os

from hypothesis import settings

# Timing says nothing on a machine that runs daemons beside the tests.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

# A program whose only dependency no test needs; doctests would be looked for in it.
collect_ignore = ["property/fuzz_parser.py"]
