"""Measure ``llb bake`` and ``llb build`` beside ``docker buildx``, with its driver ``remote``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from bench.pairs import ROOT, Pairs, Run, alternate, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGETS = 10
_OURS = (sys.executable, "-m", "llb")
_DOCKERFILE = """\
FROM busybox
ARG NUMBER
COPY data /data
RUN echo $NUMBER > /number
"""


def bake(case: str, count: int, scratch: Path, *, size: int, is_cached: bool = False) -> Pairs:
    """Measure targets of a bake file with one context of new files, or of files that are there."""
    file = _write_project(scratch, size)
    arguments = ("bake", "-f", str(file), "--allow", "fs=*")

    def work(*program: str) -> Run:
        if not is_cached:
            (scratch / "data").write_bytes(os.urandom(size))
        return run([*program, *arguments, "--progress", "quiet"])

    with _builder(scratch):
        for program in (_OURS, (_buildx(),)):
            print(f"{case}: {_bytes_sent([*program, *arguments], scratch, size)} bytes sent")
        return alternate(case, count, partial(work, *_OURS), partial(work, _buildx()))


def cached_dockerfile(case: str, count: int, scratch: Path) -> Pairs:
    """Measure builds of a Dockerfile whose steps are cached."""
    _write_project(scratch, 1024)
    arguments = ("build", str(scratch), "-o", "type=cacheonly", "--progress", "quiet")
    with _builder(scratch):
        run([_buildx(), *arguments])
        ours, theirs = [*_OURS, *arguments], [_buildx(), *arguments]
        return alternate(case, count, partial(run, ours), partial(run, theirs))


def _write_project(folder: Path, size: int) -> Path:
    """Write a context and a bake file, whose targets differ in an arg; return its path."""
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    (folder / "data").write_bytes(os.urandom(size))
    targets = {
        f"t{number}": {
            "context": str(folder),
            "args": {"NUMBER": str(number)},
            "output": ["type=cacheonly"],
        }
        for number in range(TARGETS)
    }
    content = {"group": {"default": {"targets": list(targets)}}, "target": targets}
    file = folder / "docker-bake.json"
    file.write_text(json.dumps(content))
    return file


@contextmanager
def _builder(scratch: Path) -> Iterator[None]:
    """Let buildx use the daemon in BUILDKIT_HOST."""
    before = dict(os.environ)
    os.environ |= {"BUILDX_CONFIG": str(scratch / "buildx"), "BUILDX_BUILDER": "bench"}
    create = ("create", "--name", "bench", "--driver", "remote", os.environ["BUILDKIT_HOST"])
    try:
        subprocess.run([_buildx(), *create], check=True, capture_output=True)
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@cache
def _buildx() -> str:
    """Find buildx, which the stack builds."""
    process = subprocess.run(
        [ROOT / "dev" / "stack", "buildx"], check=True, capture_output=True, text=True
    )
    return process.stdout.splitlines()[-1]


def _bytes_sent(command: list[str], scratch: Path, size: int) -> int:
    """Count the bytes that a build of a new context sends, by the progress of the daemon."""
    (scratch / "data").write_bytes(os.urandom(size))
    command = [*command, "--progress", "rawjson"]
    process = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    sent: dict[str, int] = {}
    for line in process.stderr.splitlines():
        for status in json.loads(line).get("statuses") or ():
            if status.get("name") == "transferring":
                # Both clients add the name of the target to the digest of a step.
                digest = ":".join(status["vertex"].split(":")[:2])
                sent[digest] = max(status.get("current", 0), sent.get(digest, 0))
    return sum(sent.values())
