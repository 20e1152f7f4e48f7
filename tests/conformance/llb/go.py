"""Build the recorder, Go's side of the comparison, and keep it running."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from tests.conformance.llb.programs import Answer, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.llb.programs import Program

RECORDER = Path(__file__).parent / "recorder"


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure
    """Go's llb refused the program."""


@frozen
class Go:
    """A running recorder that answers one program after the other."""

    process: subprocess.Popen[str]

    def run(self, program: Program) -> Answer:
        """Run the program in Go; the definition has its maps sorted.

        Raises Refused if Go refuses the program, or ValueError if the recorder cannot parse it.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(program), file=self.process.stdin, flush=True)
        reply: dict[str, Any] = json.loads(self.process.stdout.readline())
        if "bad" in reply:
            raise ValueError(reply["bad"])
        if "error" in reply:
            raise Refused(reply["error"])
        return Answer(
            definition=canonical(base64.b64decode(reply["definition"] or "")),
            head=reply["head"],
            settings=reply["settings"],
            env=reply["env"],
        )


def recorder(*args: str, folder: Path = RECORDER) -> str:
    """Run the recorder, or the program in a folder, and capture its output.

    Fails if Go is not installed.
    """
    done = subprocess.run(
        [program(), "run", ".", *args],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@contextmanager
def running() -> Iterator[Go]:
    """Build the recorder and keep it running."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "recorder"
        subprocess.run(
            [program(), "build", "-o", binary, "."], cwd=RECORDER, env=environment(), check=True
        )
        with subprocess.Popen(
            [binary, "programs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield Go(process)
            assert process.stdin is not None
            process.stdin.close()


def program() -> str:
    """Find go. Fails if it is not installed."""
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    return go


def environment() -> dict[str, str]:
    """The environment of go: it changes no go.mod, and downloads no toolchain."""
    return {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
