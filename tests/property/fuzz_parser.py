"""Fuzz the Dockerfile parser, guided by coverage; ``make fuzz-parser`` runs it.

It starts from the files of the conformance tests, and ``--seconds`` limits the time. A file may be
refused. One that raises another exception, or takes longer than ten seconds, is written to
``crash-…`` or ``timeout-…`` in the folder ``--found``, and should be added to the cases.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["llb.dockerfile", "llb.gocompat.regexp"]):
    from llb.dockerfile import ImageTable, ResolvedImage, convert
    from llb.dockerfile.parser.directives import detect_syntax

from llb.errors import LLBError

CASES = Path(__file__).parents[1] / "conformance" / "dockerfile" / "cases"
SLOW_SECONDS = 10
LENGTH = 4096
IMAGES = ImageTable({"*": ResolvedImage(f"sha256:{'0' * 64}", b"{}")})


def convert_input(data: bytes) -> None:
    """Convert a file; only an LLBError is allowed."""
    try:
        detect_syntax(data)
        convert(data, resolver=IMAGES)
    except LLBError:
        return


def main() -> None:
    """Fuzz until the time is over; libFuzzer exits with its own status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--found", type=Path, default=Path(), help="folder for failing files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as corpus:
        for path in CASES.glob("*.Dockerfile"):
            shutil.copy(path, corpus)
        atheris.Setup(
            [
                sys.argv[0],
                corpus,
                f"-max_total_time={options.seconds}",
                f"-timeout={SLOW_SECONDS}",
                f"-max_len={LENGTH}",
                f"-artifact_prefix={options.found}/",
                "-print_final_stats=1",
                "-verbosity=0",
            ],
            convert_input,
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
