"""Definitions from where a command line names them: a build script, a file, standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click
from attrs import frozen

from llb.child_processes import environment, python
from llb.definition.definition import Definition
from llb.errors import InputError
from llb.script.main import FAILED, IMAGE_CONFIG_FD

if TYPE_CHECKING:
    from collections.abc import Callable

STANDARD_INPUT = "-"
_PYTHON = ".py"


@frozen
class Script:
    """What a script, file or pipe gave: a definition, and an image config where it has one."""

    definition: Definition
    image_config: bytes | None


def names_frontend(source: str) -> bool:
    """Return whether ``source`` is a ``.py`` file that names a frontend in its first comments."""
    if not source.endswith(_PYTHON):
        return False
    try:
        with Path(source).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.startswith("#"):
                    return False
                name, equals, value = line[1:].partition("=")
                if equals and name.strip().lower() == "syntax" and value.strip():
                    return True
    except OSError:
        return False
    return False


def load(source: str, beside: Callable[[], None] = lambda: None) -> Script:
    """Return what ``source`` gives: ``-``, a ``.py`` file, or a file with a definition.

    What is to be done ``beside`` is done while another program makes it. Raises InputError and
    InvalidDefinitionError.
    """
    if source == STANDARD_INPUT:
        beside()
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
    if path.suffix == _PYTHON:
        return _run(path, beside)
    try:
        return Script(Definition.from_bytes(path.read_bytes()), None)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error


def _run(path: Path, beside: Callable[[], None]) -> Script:
    """Run a script as a program of its own; what it prints is the definition."""
    # It takes 5 ms to import, and definitions from files need it not.
    import subprocess  # noqa: PLC0415

    read, write = os.pipe()
    config: list[bytes] = []
    with os.fdopen(read, "rb") as pipe:
        reader = Thread(target=lambda: config.append(pipe.read()))
        reader.start()
        try:
            with subprocess.Popen(
                python("-m", "llb.script", str(path)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env=environment({IMAGE_CONFIG_FD: str(write)}),
                pass_fds=[write],
            ) as process:
                try:
                    beside()
                    printed, _ = process.communicate()
                except BaseException:
                    process.kill()
                    raise
        finally:
            os.close(write)
            reader.join()
    if process.returncode == FAILED:
        raise click.exceptions.Exit(1)
    if process.returncode:
        raise InputError(f"the build script {path} failed with exit status {process.returncode}")
    if not printed and not config[0]:
        raise InputError(
            f"the build script {path} printed no definition",
            hint="its last line should be llb.main(state)",
        )
    return Script(Definition.from_bytes(printed), config[0] or None)
