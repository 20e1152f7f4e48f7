"""Measure builds without file transfers: a cached build, and a step with much output."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bench.session.commands import Build, alternate_warm, separate_daemon, write_definition
from llb import Image

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pairs import Pairs, Run


def cached(case: str, count: int, scratch: Path) -> Pairs:
    """Measure builds of three cached steps."""
    state = Image("busybox")
    for number in range(3):
        state = state.run(f"echo {number}")
    definition = write_definition(scratch / "cached.pb", state)
    return alternate_warm(case, count, lambda build: build(definition))


def logs(case: str, count: int, scratch: Path, *, lines: int) -> Pairs:
    """Measure builds of a step that prints many lines, with the plain display."""

    def work(build: Build) -> Run:
        state = Image("busybox").run(f"seq {lines} # {secrets.token_hex(8)}")
        return build(write_definition(scratch / "logs.pb", state), progress="plain")

    with separate_daemon(scratch / "daemon"):
        return alternate_warm(case, count, work)
