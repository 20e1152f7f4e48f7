"""Definitions from where a command line names them: a build script, a file, standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import click
from attrs import frozen

from llb.definition import Definition
from llb.errors import InputError
from llb.runner import FAILED
from llb.script import IMAGE_CONFIG_FD

STANDARD_INPUT = "-"


@frozen
class Script:
    """What a script, file or pipe gave: a definition, and an image config where it has one."""

    definition: Definition
    image_config: bytes | None


def load(source: str) -> Script:
    """Return what ``source`` gives: ``-``, a ``.py`` file, or a file with a definition.

    Raises InputError and InvalidDefinitionError.
    """
    if source == STANDARD_INPUT:
        data = sys.stdin.buffer.read()
        if not data:
            raise InputError(
                "standard input held no definition",
                hint="for example python build.py | llb build -",
            )
        return Script(Definition.from_bytes(data), None)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"there is no file {source}")
    if path.suffix == ".py":
        return _run(path)
    try:
        return Script(Definition.from_bytes(path.read_bytes()), None)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error


def _run(path: Path) -> Script:
    """Run a script as a program of its own; what it prints is the definition."""
    read, write = os.pipe()
    config: list[bytes] = []
    with os.fdopen(read, "rb") as pipe:
        reader = Thread(target=lambda: config.append(pipe.read()))
        reader.start()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "llb.runner", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env={**os.environ, IMAGE_CONFIG_FD: str(write)},
                pass_fds=[write],
                check=False,
            )
        finally:
            os.close(write)
            reader.join()
    if done.returncode == FAILED:
        raise click.exceptions.Exit(1)
    if done.returncode:
        raise InputError(f"the build script {path} failed with exit status {done.returncode}")
    if not done.stdout and not config[0]:
        raise InputError(
            f"the build script {path} printed no definition",
            hint="its last line should be llb.main(state)",
        )
    return Script(Definition.from_bytes(done.stdout), config[0] or None)
