"""Converts every Dockerfile below a folder with both sides; ``make corpus-dockerfile DIR=…``.

Prints in which files they differ, each with the first difference, and how many of each kind
there are. Exit status: 1 where there is a difference.
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
    parser.add_argument("--all", action="store_true", help="all files, whatever their names")
    parser.add_argument("--options", default="{}", help="of the recorder, in JSON")
    parser.add_argument("--examples", type=int, default=5, help="shown of each kind of difference")
    given = parser.parse_args()
    options = json.loads(given.options)
    found: defaultdict[str, list[tuple[Path, Comparison]]] = defaultdict(list)
    with go.running() as process:
        for path in files_below(given.folder, every=given.all):
            result = compare(path.read_bytes(), process, options)
            found[result.outcome].append((path, result))
    for outcome, results in found.items():
        if not results[0][1].agrees:
            _show(outcome, results[: given.examples], given.folder)
    _summarize(found)
    return int(not all(result.agrees for results in found.values() for _, result in results))


def files_below(folder: Path, *, every: bool) -> Iterator[Path]:
    """Yield the Dockerfiles of a folder, or with ``every`` all files."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (every or _NAME.search(path.name)):
            yield path


def _show(outcome: str, results: list[tuple[Path, Comparison]], folder: Path) -> None:
    for path, result in results:
        print(f"=== {outcome}: {path.relative_to(folder)}\n{result.detail}\n")  # noqa: T201


def _summarize(found: dict[str, list[tuple[Path, Comparison]]]) -> None:
    total = sum(map(len, found.values()))
    counts = ", ".join(f"{len(results)} {outcome}" for outcome, results in sorted(found.items()))
    print(f"{total} files: {counts}")  # noqa: T201
    texts = sum(result.same_text for _, result in found.get("refused", ()))
    print(f"of those that both refuse, {texts} in the same words")  # noqa: T201
    warned = sum(result.same_warnings for _, result in found.get("equal", ()))
    print(f"of those that are equal, {warned} with the same warnings")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
