"""Parsing, converting and marshalling Dockerfiles, beside Go: ``python -m bench.dockerfile [DIR]``.

Both sides are programs that stay alive, as in the comparison of results, and take turns on a
file. Ours is measured inside of this process; Go's answer carries the time that it took, so
that reading and writing JSON counts for neither. With DIR, the sum over the files below it
is measured too.
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
# How many stages, how often both convert them.
MEASURED = ((100, 15), (300, 11), (3_333, 5))
FOLDER_PAIRS = 3


def main() -> None:
    """Measure everything, print a table, and keep the figures."""
    with go.running() as process:
        rows = [
            beside(f"{len(text.splitlines())} lines, {stages} stages", [text], process, pairs)
            for stages, pairs in MEASURED
            for text in [generated(stages)]
        ]
        if len(sys.argv) > 1:
            files = [
                path.read_bytes() for path in sorted(Path(sys.argv[1]).rglob("*")) if is_one(path)
            ]
            rows.append(beside(f"{len(files)} files of a folder", files, process, FOLDER_PAIRS))
    print("| case | ours, ms | Go, ms | ratio |\n|---|---:|---:|---:|")
    for row in rows:
        ours, theirs = median(row.ours) * 1000, median(row.theirs) * 1000
        print(f"| {row.case} | {ours:.1f} | {theirs:.1f} | {row.ratio:.2f} |")
    growth = median(rows[2].ours) / median(rows[1].ours)
    print(f"\n30,000 lines take {growth:.1f} times as long as 2,701")
    cases = [{"case": r.case, "ours": r.ours, "theirs": r.theirs, "ratio": r.ratio} for r in rows]
    data = {"machine": machine(), "growth": growth, "cases": cases}
    RESULTS.write_text(json.dumps(data, indent=1) + "\n")


def is_one(path: Path) -> bool:
    """Return whether a path looks like that of a Dockerfile."""
    return "dockerfile" in path.name.lower() and path.is_file()


def beside(case: str, texts: Sequence[bytes], process: go.Go, pairs: int) -> Row:
    """Return a case measured in pairs, each beginning in turn."""
    ours, theirs = [], []
    for number in range(pairs):
        if number % 2:
            theirs.append(go_seconds(texts, process))
            ours.append(our_seconds(texts))
        else:
            ours.append(our_seconds(texts))
            theirs.append(go_seconds(texts, process))
    return Row(case, tuple(ours), tuple(theirs))


def our_seconds(texts: Sequence[bytes]) -> float:
    """Return how long we take, errors included."""
    begin = time.perf_counter()
    for text in texts:
        with suppress(LLBError):
            converted(text, {}).definition.to_bytes()
    return time.perf_counter() - begin


def go_seconds(texts: Sequence[bytes], process: go.Go) -> float:
    """Return how long Go takes."""
    return sum(process.convert(text)["seconds"] for text in texts)


if __name__ == "__main__":
    main()
