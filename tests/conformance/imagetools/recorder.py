"""Record what buildx does: ``python -m tests.conformance.imagetools.recorder BUILDX > recorded.json``.

``go build`` of ``github.com/docker/buildx/cmd/buildx`` makes the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.imagetools.cases import CASES
from tests.conformance.imagetools.runs import encode, run

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 600


def main(buildx: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environ = os.environ | {
            "BUILDX_CONFIG": f"{folder}/buildx",
            "DOCKER_CONFIG": f"{folder}/docker",
        }

        def program(arguments: Sequence[str]) -> tuple[int, bytes, str]:
            process = subprocess.run(
                [buildx, *arguments], capture_output=True, env=environ, timeout=SECONDS, check=False
            )
            return process.returncode, process.stdout, process.stderr.decode()

        sys.stdout.write(encode({case.name: run(case, program, folder) for case in CASES}))


if __name__ == "__main__":
    main(sys.argv[1])
