"""Compare the sessions of our client with ``buildctl``, and some commands with ``docker buildx``.

    python -m bench.session [--pairs N] [--case WORD] [--scratch DIR] [--output FILE]

The cases are uploads and exports of one large file and of many small files, in two
sizes each to show that memory does not grow with them; an upload of unchanged files;
a cached build; a step with much output; and OCI layouts and caches of the client.

The client's files are in memory, and files in the daemon are deleted only after
their case: ext4 creates files ten times slower soon after many deletions, which
would dominate the measurement.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.pairs import table, write
from bench.session import buildx, contents, steps, transfers
from bench.session.transfers import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.pairs import Pairs

KIB = 1024
MEMORY = Path("/dev/shm")
RESULTS = Path(__file__).with_name("results.json")
CASES: dict[str, Callable[[str, int, Path], Pairs]] = {
    "upload one file of 256 MiB": partial(transfers.uploads, size=256 * MIB, files=1),
    "upload one file of 1 GiB": partial(transfers.uploads, size=1024 * MIB, files=1),
    "upload 5,000 files of 1 KiB": partial(transfers.uploads, size=KIB, files=5_000),
    "upload 20,000 files of 1 KiB": partial(transfers.uploads, size=KIB, files=20_000),
    "upload 20,000 files that are there": partial(transfers.uploads_again, size=KIB, files=20_000),
    "export one file of 256 MiB": partial(transfers.exports, size=256 * MIB, files=1),
    "export one file of 1 GiB": partial(transfers.exports, size=1024 * MIB, files=1),
    "export 5,000 files of 1 KiB": partial(transfers.exports, size=KIB, files=5_000),
    "export 20,000 files of 1 KiB": partial(transfers.exports, size=KIB, files=20_000),
    "cached build": steps.cached,
    "a step that prints a million lines": partial(steps.logs, lines=1_000_000),
    "an image of 300 MiB in an OCI layout": partial(contents.layouts, size=300 * MIB),
    "export a local cache of 300 MiB": partial(contents.cache_exports, size=300 * MIB),
    "import a local cache of 300 MiB": partial(contents.cache_imports, size=300 * MIB),
    "a cached Dockerfile, beside buildx": buildx.cached_dockerfile,
    "bake ten cached targets, beside buildx": partial(buildx.bake, size=MIB, is_cached=True),
    "bake ten targets of a new context of 64 MiB, beside buildx": partial(
        buildx.bake, size=64 * MIB
    ),
}


def main() -> None:
    """Measure the cases, print a table and write the data."""
    parser = argparse.ArgumentParser(prog="bench.session", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--case", default="", help="measure only the cases with this in the name")
    parser.add_argument("--scratch", type=Path, default=MEMORY if MEMORY.is_dir() else None)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = []
    for case, measure in CASES.items():
        if arguments.case in case:
            with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
                rows.append(measure(case, arguments.pairs, Path(scratch)))
            transfers.prune()
    print(table(rows))
    write(arguments.output, rows, {})


if __name__ == "__main__":
    main()
