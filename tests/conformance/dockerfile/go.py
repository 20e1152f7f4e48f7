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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORDER = Path(__file__).parent / "recorder"
# An image config with an environment, a command and a layer, as nearly all images have.
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "made"}],
    }
)
TABLE = json.dumps({"*": {"digest": "sha256:" + "d" * 64, "config": CONFIG}})


@frozen
class Go:
    """A running recorder that answers one request after the other."""

    process: subprocess.Popen[str]

    def convert(self, data: bytes, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Convert a Dockerfile with Go; the answer is like a line of ``convert --jsonl``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"data": base64.b64encode(data).decode(), "options": dict(options or {})}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@frozen
class Packages:
    """A process of Go packages that answers one request after the other."""

    process: subprocess.Popen[str]

    def ask(self, function: str, **arguments: Any) -> Any:
        """Call a Go package; None if it refuses the arguments."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"ask": function, **arguments}), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


@contextmanager
def packages() -> Iterator[Packages]:
    """Build the recorder and keep its packages running."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "recorder"
        build(binary)
        with subprocess.Popen(
            [binary, "ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield Packages(process)
            assert process.stdin is not None
            process.stdin.close()


@contextmanager
def running(table: str = TABLE) -> Iterator[Go]:
    """Build the recorder and keep it running; ``table`` is the content of its resolver file."""
    with tempfile.TemporaryDirectory() as folder:
        binary, resolver = Path(folder) / "recorder", Path(folder) / "resolver.json"
        resolver.write_text(table)
        build(binary)
        with subprocess.Popen(
            [binary, "serve", resolver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield Go(process)
            assert process.stdin is not None
            process.stdin.close()


def build(binary: Path) -> None:
    """Build the recorder. Fails if Go is not installed."""
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    subprocess.run([go, "build", "-o", binary, "."], cwd=RECORDER, env=environment, check=True)
