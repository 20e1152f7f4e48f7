"""Load the definition that a command line names: a build script, a file or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.buildfile.recognition import is_build_file, misplaced_syntax
from llb.cli.build_script import BuildScript, LoadedDefinition
from llb.cli.standard_streams import STANDARD_STREAM
from llb.definition.definition import Definition
from llb.errors import InputError
from llb.local_files import paths
from llb.local_files.streams import read_stream

with lazy_imports(__name__):
    from llb.dockerfile.parser import directives  # 61 ms

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = ".py"
# The magic bytes of archives: bzip2, gzip, xz, Zstandard; and where that of tar is.
_COMPRESSED = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_TAR_MAGIC = 257


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


def is_script(path: Path) -> bool:
    """Check whether a file is a build script."""
    return path.suffix == PYTHON and paths.is_file(path)


def load(source: str, meanwhile: Callable[[], None] = lambda: None) -> LoadedDefinition:
    """Load the definition of ``source``: ``-``, a ``.py`` file, or a file with a definition.

    ``meanwhile`` is called while another process produces the definition. Raises InputError
    and InvalidDefinitionError.
    """
    piped = read_pipe(source, meanwhile)
    if piped is not None:
        return from_pipe(piped, source)
    path = Path(source)
    if not paths.is_file(path):
        raise InputError(f"no such file: {source}")
    if is_script(path):
        _refuse_build_file(path)
        return _run(path, meanwhile)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error
    if not data:
        raise InputError(f"{source} is empty: expected a definition")
    return LoadedDefinition(Definition.from_bytes(data), None)


def read_pipe(source: str, meanwhile: Callable[[], None] = lambda: None) -> bytes | None:
    """Read standard input or another pipe, such as that of a shell's ``<(…)``; None for a file.

    ``meanwhile`` is called while another process produces the definition. Raises InputError.
    """
    if source == STANDARD_STREAM:
        meanwhile()
        return sys.stdin.buffer.read()
    return read_stream(source)


def from_pipe(data: bytes, source: str = STANDARD_STREAM) -> LoadedDefinition:
    """Decode the definition on standard input, or on another pipe. Raises InputError and InvalidDefinitionError."""
    if not data:
        raise InputError(
            f"no definition on {_name(source)}",
            hint="pipe one in, for example: python build.py | llb build -",
        )
    return LoadedDefinition(Definition.from_bytes(data), None)


def _name(source: str) -> str:
    return "standard input" if source == STANDARD_STREAM else source


def _refuse_build_file(path: Path) -> None:
    """Raise InputError for a file that is no script: a build file, or one for a frontend."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if is_build_file(data):
        raise InputError(
            f"{path} is a build file, which prints no definition: a daemon resolves its images",
            hint=f"llb build {path} builds it, and --call convertllb prints its definition",
        )
    syntax = directives.detect_syntax(data)
    named = (syntax.line, syntax.source) if syntax else misplaced_syntax(data)
    if named is not None:
        line, image = named
        raise InputError(
            f"{path}:{line}: the file names the frontend {image}, so it is not run on this machine",
            hint=f"llb build {path} lets the frontend build it, if the line is among the first ones",
        )


def _run(path: Path, meanwhile: Callable[[], None]) -> LoadedDefinition:
    with BuildScript(path) as script:
        meanwhile()
        return script.result()
