"""Compare the conversion of Dockerfiles with Go's: ``python -m bench.dockerfile [DIR]``.

It measures parsing, converting and marshalling. Both sides are running processes, as in the
comparison of results, and take turns on a file. Ours is this process; Go measures itself and
sends the time, so JSON counts for neither. With DIR, it also measures all files below it.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.dockerfile.files import generated
from bench.pairs import Row, machine
from llb import LLBError
from tests.conformance.dockerfile import go
from tests.conformance.dockerfile.compared import converted

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).parent / "results.json"
# The number of stages, and of conversions by both.
MEASURED = ((100, 15), (300, 11), (3_333, 5))
FOLDER_PAIRS = 3


def main() -> None:
    """Measure everything, print a table, and store the figures."""
    with go.running() as process:
        rows = [
            compare(f"{len(source.splitlines())} lines, {stages} stages", [source], process, pairs)
            for stages, pairs in MEASURED
            for source in [generated(stages)]
        ]
        if len(sys.argv) > 1:
            files = [
                path.read_bytes()
                for path in sorted(Path(sys.argv[1]).rglob("*"))
                if is_dockerfile(path)
            ]
            rows.append(compare(f"{len(files)} files of a folder", files, process, FOLDER_PAIRS))
    print("| case | ours, ms | Go, ms | ratio |\n|---|---:|---:|---:|")
    for row in rows:
        ours, theirs = median(row.ours) * 1000, median(row.theirs) * 1000
        print(f"| {row.case} | {ours:.1f} | {theirs:.1f} | {row.ratio:.2f} |")
    growth = median(rows[2].ours) / median(rows[1].ours)
    print(f"\n30,000 lines take {growth:.1f} times as long as 2,701")
    cases = [{"case": r.case, "ours": r.ours, "theirs": r.theirs, "ratio": r.ratio} for r in rows]
    data = {"machine": machine(), "growth": growth, "cases": cases}
    RESULTS.write_text(json.dumps(data, indent=1) + "\n")


def is_dockerfile(path: Path) -> bool:
    """Check whether a path looks like a Dockerfile."""
    return "dockerfile" in path.name.lower() and path.is_file()


def compare(case: str, sources: Sequence[bytes], process: go.Go, pairs: int) -> Row:
    """Measure a case in pairs; the two sides take turns at starting."""
    ours, theirs = [], []
    for number in range(pairs):
        if number % 2:
            theirs.append(go_seconds(sources, process))
            ours.append(our_seconds(sources))
        else:
            ours.append(our_seconds(sources))
            theirs.append(go_seconds(sources, process))
    return Row(case, tuple(ours), tuple(theirs))


def our_seconds(sources: Sequence[bytes]) -> float:
    """Measure our conversion, including failed ones."""
    begin = time.perf_counter()
    for source in sources:
        with suppress(LLBError):
            converted(source, {}).definition.to_bytes()
    return time.perf_counter() - begin


def go_seconds(sources: Sequence[bytes], process: go.Go) -> float:
    """Sum up the conversion times that Go reports."""
    return sum(process.convert(source)["seconds"] for source in sources)


if __name__ == "__main__":
    main()
