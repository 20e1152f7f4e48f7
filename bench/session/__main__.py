"""Measure uploads to BuildKit and exports from it, beside ``buildctl`` with the same definition.

    python -m bench.session [--pairs N] [--case WORD] [--scratch DIR] [--output FILE]

Every upload moves everything: its local source has a name of its own, so that
the daemon knows no earlier copy, and content of its own, so that no step is
cached. The daemon's disk usage proves it. Exports are of a cached result.

The client's files are kept in memory, and many files that the daemon stored
are dropped only after their case: ext4 takes ten times as long to make files
soon after as many were deleted, which would be all that is measured.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.pairs import BUILDCTL, Pairs, Run, alternate, run, table, write
from llb import Image, Local, Scratch, State, bind

GIB = 2**30
MANY = 20_000
PREFIX = "pyllb-bench-"
MEMORY = Path("/dev/shm")
RESULTS = Path(__file__).with_name("results.json")

Build = Callable[..., Run]


def ours(definition: Path, *arguments: str) -> Run:
    """Build with this package's command."""
    command = ["-m", "llb", "build", str(definition), "--progress", "quiet"]
    return run([sys.executable, *command, *arguments])


def theirs(definition: Path, *arguments: str) -> Run:
    """Build with the stock client."""
    return run([BUILDCTL, "build", "--progress", "plain", *arguments], stdin=definition)


def write_definition(path: Path, state: State) -> Path:
    path.write_bytes(state.marshal().to_bytes())
    return path


def one_file(folder: Path) -> Path:
    """Make a file of 1 GiB; return it."""
    with (folder / "file").open("wb") as file:
        for _ in range(GIB // 2**20):
            file.write(secrets.token_bytes(2**20))
    return folder / "file"


def many_files(folder: Path) -> Path:
    """Make 20,000 files of 1 KiB in 100 directories; return the first."""
    for number in range(MANY):
        path = folder / f"{number % 100:02}" / f"{number:05}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(secrets.token_bytes(1024))
    return folder / "00" / "00000"


def upload(build: Build, source: Path, changed: Path, size: int) -> Run:
    """Build a copy of everything in ``source``, which the daemon has never seen."""
    nonce = f"{PREFIX}{secrets.token_hex(8)}"
    with changed.open("r+b") as file:
        file.write(nonce.encode())
    local = Local(nonce, unique_id=nonce, shared_key=nonce)
    with tempfile.TemporaryDirectory() as scratch:
        definition = write_definition(
            Path(scratch, "upload.pb"), Scratch().copy(local, "/", name=f"keep {nonce}")
        )
        taken = build(definition, "--local", f"{nonce}={source}")
    if (received := stored(nonce)) < size:
        raise RuntimeError(f"only {received} of {size} bytes were transferred")
    if size >= GIB:
        prune()
    return taken


def prune() -> None:
    """Drop what the uploads left in the daemon."""
    command = [BUILDCTL, "prune", "--filter", f"description~={PREFIX}"]
    subprocess.run(command, check=True, capture_output=True)


def stored(name: str) -> int:
    """Return the bytes that the daemon keeps of a local source."""
    chosen = ["--filter", f"type==source.local,description~={name}"]
    shown = subprocess.run(
        [BUILDCTL, "du", *chosen, "--format", "{{json .}}"], check=True, capture_output=True
    )
    return sum(record["size"] for record in json.loads(shown.stdout))


def export(build: Build, definition: Path, parent: Path, count: int, size: int) -> Run:
    """Build with a local directory as the destination, and look at what came."""
    folder = parent / "export"
    taken = build(definition, "--output", f"type=local,dest={folder}")
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if (len(files), sum(files)) != (count, size):
        raise RuntimeError(f"{len(files)} files with {sum(files)} bytes were exported")
    shutil.rmtree(folder)
    return taken


def generated(program: str) -> State:
    """Return a tree that a Python program makes in the daemon, in /out."""
    made = Image("python:3.13-slim").run(
        ["python3", "-c", program], mounts=[bind(Scratch(), "/out")]
    )
    return made.mounted("/out")


ONE_FILE = """
with open("/out/file", "wb") as file, open("/dev/urandom", "rb") as source:
    for _ in range(1024):
        file.write(source.read(2**20))
"""
MANY_FILES = """
import os
for number in range(20_000):
    os.makedirs(f"/out/{number % 100:02}", exist_ok=True)
    with open(f"/out/{number % 100:02}/{number:05}", "wb") as file:
        file.write(os.urandom(1024))
"""
EXPORTS = {
    "export one file of 1 GiB": (ONE_FILE, (1, GIB)),
    "export 20,000 files of 1 KiB": (MANY_FILES, (MANY, MANY * 1024)),
}
UPLOADS = {
    "upload one file of 1 GiB": (one_file, GIB),
    "upload 20,000 files of 1 KiB": (many_files, MANY * 1024),
}


def measure(case: str, count: int, scratch: Path) -> Pairs:
    """Return the pairs of one case."""
    if case in UPLOADS:
        make, size = UPLOADS[case]
        source = scratch / "source"
        source.mkdir()
        changed = make(source)
        work = partial(upload, source=source, changed=changed, size=size)
    else:
        program, (files, size) = EXPORTS[case]
        definition = write_definition(scratch / "export.pb", generated(program))
        work = partial(export, definition=definition, parent=scratch, count=files, size=size)
    work(theirs)
    return alternate(case, count, partial(work, ours), partial(work, theirs))


def main() -> None:
    """Measure the cases, print their table and write the data."""
    parser = argparse.ArgumentParser(prog="bench.session", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--case", default="", help="measure only the cases with this in the name")
    parser.add_argument("--scratch", type=Path, default=MEMORY if MEMORY.is_dir() else None)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = []
    for case in (*UPLOADS, *EXPORTS):
        if arguments.case in case:
            with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
                rows.append(measure(case, arguments.pairs, Path(scratch)))
            prune()
    print(table(rows))
    write(arguments.output, rows, {})


if __name__ == "__main__":
    main()
