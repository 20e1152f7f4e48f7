"""Compare conversions of random Dockerfiles with Go; ``make fuzz-dockerfile`` runs it.

``--seconds`` limits the time. A file that the two sides convert differently is shrunk and
printed, and should be added to the conformance cases.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings

from tests.conformance.dockerfile import go
from tests.conformance.dockerfile.compared import compare
from tests.property.dockerfiles import dockerfiles

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 1000


def main() -> int:
    """Compare until the time is over; return 1 if the two sides differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    start = time.monotonic()
    tried = 0
    failing: str | None = None
    with go.running() as process:
        while time.monotonic() - start < seconds and failing is None:
            failing, count = _search(process)
            tried += count
        if failing is not None:
            result = compare(failing.encode(), process)
            print(f"{failing!r}\n{result.outcome}\n{result.detail}")  # noqa: T201 - it is a command
    print(f"{tried} files in {time.monotonic() - start:.0f} s")  # noqa: T201
    return int(failing is not None)


def _search(process: go.Go) -> tuple[str | None, int]:
    """Try one batch; return the smallest differing file, if any, and the number of files."""
    last: list[str] = []
    tried = 0

    def agree(text: str) -> None:
        nonlocal tried
        tried += 1
        if not compare(text.encode(), process).agrees:
            last[:] = [text]
            raise AssertionError

    search: Callable[[], None] = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(given(text=dockerfiles())(agree))
    try:
        search()
    except AssertionError:
        return last[0], tried
    return None, tried


if __name__ == "__main__":
    sys.exit(main())
