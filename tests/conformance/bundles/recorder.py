"""Record what buildx exports: ``python -m tests.conformance.bundles.recorder BUILDX > recorded.json``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conformance.bundles.bundles import RUNS, read_bundle
from tests.conformance.bundles.records import BLOBS, records
from tests.fakes.history import FakeHistory

SECONDS = 600


def main(buildx: str) -> None:
    recorded: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with FakeHistory(folder, records(), blobs=BLOBS) as daemon:
            environ = os.environ | {"BUILDX_CONFIG": f"{folder}/buildx", "DOCKER_CONFIG": scratch}

            def run(*arguments: str) -> subprocess.CompletedProcess[str]:
                return subprocess.run(
                    [buildx, *arguments],
                    capture_output=True,
                    env=environ,
                    timeout=SECONDS,
                    text=True,
                    check=False,
                )

            run("create", "--name", "fake", "--driver", "remote", daemon.address)
            for arguments in RUNS:
                output = folder / "bundle"
                output.unlink(missing_ok=True)
                process = run(
                    "--builder", "fake", "history", "export", "-o", str(output), *arguments
                )
                recorded[" ".join(arguments)] = (
                    {"error": process.stderr}
                    if process.returncode
                    else {"files": read_bundle(output.read_bytes())}
                )
    sys.stdout.write(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
