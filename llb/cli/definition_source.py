"""Load the definition that a command line names: a build script, a file or standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click
from attrs import frozen

from llb._lazy import lazy_imports
from llb.buildfile.recognition import is_build_file
from llb.child_processes import environment, python
from llb.cli.standard_streams import STANDARD_STREAM
from llb.definition.definition import Definition
from llb.errors import InputError
from llb.script.main import FAILED, IMAGE_CONFIG_FD

with lazy_imports(__name__):
    import subprocess  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = ".py"
# The magic bytes of archives: bzip2, gzip, xz, Zstandard; and where that of tar is.
_COMPRESSED = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_TAR_MAGIC = 257


@frozen
class LoadedDefinition:
    """A definition from a script, file or pipe, with its image config if any."""

    definition: Definition
    image_config: bytes | None


def is_build_context(data: bytes) -> bool:
    """Check whether data is a Dockerfile or an archive, as opposed to a definition.

    A definition is in protobuf's format, in which lengths and tags are control characters.
    """
    if data.startswith(_COMPRESSED) or data[_TAR_MAGIC:].startswith(b"ustar"):
        return True
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(character >= " " or character.isspace() for character in text)


def load(source: str, meanwhile: Callable[[], None] = lambda: None) -> LoadedDefinition:
    """Load the definition of ``source``: ``-``, a ``.py`` file, or a file with a definition.

    ``meanwhile`` is called while another process produces the definition. Raises InputError
    and InvalidDefinitionError.
    """
    if source == STANDARD_STREAM:
        meanwhile()
        return from_pipe(sys.stdin.buffer.read())
    path = Path(source)
    if not path.is_file():
        raise InputError(f"no such file: {source}")
    if path.suffix == PYTHON:
        _refuse_build_file(path)
        return _run(path, meanwhile)
    try:
        return LoadedDefinition(Definition.from_bytes(path.read_bytes()), None)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error


def from_pipe(data: bytes) -> LoadedDefinition:
    """Decode the definition on standard input. Raises InputError and InvalidDefinitionError."""
    if not data:
        raise InputError(
            "no definition on standard input",
            hint="pipe one in, for example: python build.py | llb build -",
        )
    return LoadedDefinition(Definition.from_bytes(data), None)


def _refuse_build_file(path: Path) -> None:
    """Raise InputError for a build file, which prints nothing when it is run."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if is_build_file(data):
        raise InputError(
            f"{path} is a build file, which prints no definition: a daemon resolves its images",
            hint=f"llb build {path} builds it, and --call convertllb prints its definition",
        )


def _run(path: Path, meanwhile: Callable[[], None]) -> LoadedDefinition:
    """Run a script in another process and read the definition that it prints."""
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
                    meanwhile()
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
            hint="end a script with llb.main(state), or mark a function that returns the state with "
            "@target from llb.buildfile",
        )
    return LoadedDefinition(Definition.from_bytes(printed), config[0] or None)
