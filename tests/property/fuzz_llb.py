"""Compare definitions of random programs with Go; ``make fuzz-llb`` runs it.

``--seconds`` limits the time. A program whose definition differs from Go's is shrunk and saved,
with Go's definition, among the recorded cases, which a test runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings

from llb import LLBError
from tests.conformance.llb import go, programs, recorded
from tests.property.llb_programs import programs as drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.llb.programs import Program

EXAMPLES = 500


def main() -> int:
    """Compare until the time is over; return 1 if there was a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    start = time.monotonic()
    tried = differences = 0
    with go.running() as process:
        while time.monotonic() - start < seconds and not differences:
            failing, count = _search(process)
            tried += count
            if failing is not None:
                differences = 1
                print(f"kept {recorded.keep(failing, process)}")  # noqa: T201 - it is a command
    print(f"{tried} programs in {time.monotonic() - start:.0f} s, {differences} difference")  # noqa: T201
    return differences


def _search(process: go.Go) -> tuple[Program | None, int]:
    """Try one batch; return the smallest program with a difference, if any, and their number."""
    last: list[Program] = []
    tried = 0

    def compare(program: Program) -> None:
        nonlocal tried
        tried += 1
        if not agree(program, process):
            last[:] = [program]
            raise AssertionError

    search: Callable[[], None] = settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )(given(program=drawn())(compare))
    try:
        search()
    except AssertionError:
        return last[0], tried
    return None, tried


def agree(program: Program, process: go.Go) -> bool:
    """Check whether both sides build the same definition, or both refuse the program."""
    try:
        ours = programs.run(program)
    except LLBError:
        try:
            process.run(program)
        except go.Refused:
            return True
        return False
    try:
        return ours == process.run(program)
    except go.Refused:
        return False


if __name__ == "__main__":
    sys.exit(main())
