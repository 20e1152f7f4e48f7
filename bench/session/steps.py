"""Builds in which no files move: one that is cached, and one that prints."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bench.session.commands import Build, own_daemon, warmed, write_definition
from llb import Image

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pairs import Pairs, Run


def cached(case: str, count: int, scratch: Path) -> Pairs:
    """Measure builds of three steps whose results are there."""
    state = Image("busybox")
    for number in range(3):
        state = state.run(f"echo {number}")
    definition = write_definition(scratch / "cached.pb", state)
    return warmed(case, count, lambda build: build(definition))


def logs(case: str, count: int, scratch: Path, *, lines: int) -> Pairs:
    """Measure builds of a step that prints so many lines, with a plain display."""

    def work(build: Build) -> Run:
        state = Image("busybox").run(f"seq {lines} # {secrets.token_hex(8)}")
        return build(write_definition(scratch / "logs.pb", state), progress="plain")

    with own_daemon(scratch / "daemon"):
        return warmed(case, count, work)
