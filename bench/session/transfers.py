"""Measure uploads of local directories, and exports to local directories.

Every first upload transfers everything: a unique source name keeps the daemon from
reusing an earlier copy, and unique content keeps steps from being cached. The daemon's
disk usage proves it. Exports are of a cached result.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.session.commands import Build, alternate_warm, buildctl, usage, write_definition
from llb import Image, Local, Scratch, State, bind

if TYPE_CHECKING:
    from bench.pairs import Pairs, Run

MIB = 2**20
PREFIX = "pyllb-bench-"


def uploads(case: str, count: int, scratch: Path, *, size: int = MIB, files: int = 1) -> Pairs:
    """Measure uploads of new files of ``size`` bytes each."""
    changed = write_files(scratch / "source", size, files)
    work = partial(_upload, source=scratch / "source", changed=changed, size=size * files)
    return alternate_warm(case, count, work)


def uploads_again(case: str, count: int, scratch: Path, *, size: int, files: int) -> Pairs:
    """Measure uploads of unchanged files, which send only their stats."""
    write_files(scratch / "source", size, files)
    name = f"{PREFIX}{secrets.token_hex(8)}"
    local = Local(name, shared_key=name)
    definition = write_definition(
        scratch / "again.pb", Scratch().copy(local, "/", name=f"keep {name}")
    )

    def work(build: Build) -> Run:
        return build(definition, "--local", f"{name}={scratch / 'source'}")

    # The first build of each client sends everything, since a daemon keeps a copy for each.
    return alternate_warm(case, count, work)


def exports(case: str, count: int, scratch: Path, *, size: int, files: int) -> Pairs:
    """Measure exports of files of ``size`` bytes each to a directory."""
    definition = write_definition(scratch / "export.pb", generated(size, files))
    work = partial(_export, definition=definition, parent=scratch, count=files, size=size * files)
    return alternate_warm(case, count, work)


def generated(size: int, files: int) -> State:
    """Generate a tree of files with ``size`` random bytes each in the daemon."""
    program = _PROGRAM.format(files=files, size=size)
    step = Image("python:3.13-slim").run(
        ["python3", "-c", program], mounts=[bind(Scratch(), "/out")]
    )
    return step.mounted("/out")


_PROGRAM = """
import os
for number in range({files}):
    folder = f"/out/{{number % 100:02}}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{{folder}}/{{number:05}}", "wb") as file:
        for start in range(0, {size}, 2**20):
            file.write(os.urandom(min(2**20, {size} - start)))
"""


def write_files(folder: Path, size: int, files: int) -> Path:
    """Write files of ``size`` random bytes to 100 directories; return the first path."""
    for number in range(files):
        path = folder / f"{number % 100:02}" / f"{number:05}"
        path.parent.mkdir(exist_ok=True, parents=True)
        with path.open("wb") as file:
            for start in range(0, size, MIB):
                file.write(secrets.token_bytes(min(MIB, size - start)))
    return folder / "00" / "00000"


def prune() -> None:
    """Remove the uploads from the daemon."""
    buildctl("prune", "--filter", f"description~={PREFIX}")


def _upload(build: Build, source: Path, changed: Path, size: int) -> Run:
    nonce = f"{PREFIX}{secrets.token_hex(8)}"
    with changed.open("r+b") as file:
        file.write(nonce.encode())
    local = Local(nonce, unique_id=nonce, shared_key=nonce)
    with tempfile.TemporaryDirectory() as scratch:
        definition = write_definition(
            Path(scratch, "upload.pb"), Scratch().copy(local, "/", name=f"keep {nonce}")
        )
        measured = build(definition, "--local", f"{nonce}={source}")
    records = usage(f"type==source.local,description~={nonce}")
    if (received := sum(record["size"] for record in records)) < size:
        raise RuntimeError(f"only {received} of {size} bytes were transferred")
    if changed.stat().st_size == size:
        # Many files are removed only after the case, since that slows the disk down for a while.
        prune()
    return measured


def _export(build: Build, definition: Path, parent: Path, count: int, size: int) -> Run:
    folder = parent / "export"
    measured = build(definition, "--output", f"type=local,dest={folder}")
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if (len(files), sum(files)) != (count, size):
        raise RuntimeError(f"{len(files)} files with {sum(files)} bytes were exported")
    shutil.rmtree(folder)
    return measured
