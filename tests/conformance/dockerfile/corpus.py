"""Convert every Dockerfile below a folder with both sides; ``make corpus-dockerfile DIR=…``.

Print the files that differ, each with its first difference, and a count per kind. The exit
status is 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.dockerfile import go
from tests.conformance.dockerfile.compared import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"dockerfile|containerfile", re.IGNORECASE)


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="include files with any name")
    parser.add_argument("--options", default="{}", help="options of the recorder, in JSON")
    parser.add_argument(
        "--examples", type=int, default=5, help="number of examples per kind of difference"
    )
    options = parser.parse_args()
    recorder_options = json.loads(options.options)
    results_by_outcome: defaultdict[str, list[tuple[Path, Comparison]]] = defaultdict(list)
    with go.running() as process:
        for path in files_below(options.folder, every=options.all):
            result = compare(path.read_bytes(), process, recorder_options)
            results_by_outcome[result.outcome].append((path, result))
    for outcome, results in results_by_outcome.items():
        if not results[0][1].agrees:
            _show(outcome, results[: options.examples], options.folder)
    _summarize(results_by_outcome)
    return int(
        not all(result.agrees for results in results_by_outcome.values() for _, result in results)
    )


def files_below(folder: Path, *, every: bool) -> Iterator[Path]:
    """Yield the Dockerfiles below a folder, or all files with ``every``."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (every or _NAME.search(path.name)):
            yield path


def _show(outcome: str, results: list[tuple[Path, Comparison]], folder: Path) -> None:
    for path, result in results:
        print(f"=== {outcome}: {path.relative_to(folder)}\n{result.detail}\n")  # noqa: T201


def _summarize(results_by_outcome: dict[str, list[tuple[Path, Comparison]]]) -> None:
    total = sum(map(len, results_by_outcome.values()))
    counts = ", ".join(
        f"{len(results)} {outcome}" for outcome, results in sorted(results_by_outcome.items())
    )
    print(f"{total} files: {counts}")  # noqa: T201
    same_words = sum(result.same_text for _, result in results_by_outcome.get("refused", ()))
    print(f"of those that both refuse, {same_words} in the same words")  # noqa: T201
    same_warnings = sum(result.same_warnings for _, result in results_by_outcome.get("equal", ()))
    print(f"of those that are equal, {same_warnings} with the same warnings")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
