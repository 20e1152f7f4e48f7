"""Load the definition that a command line names: a build script, a file or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llb.cli.build_script import BuildScript, LoadedDefinition
from llb.cli.standard_streams import STANDARD_STREAM
from llb.definition.definition import Definition
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_PYTHON = ".py"


def names_frontend(source: str) -> bool:
    """Check whether ``source`` is a ``.py`` file with a syntax line in its first comments."""
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


def is_script(path: Path) -> bool:
    """Check whether a file is a build script."""
    return path.suffix == _PYTHON and path.is_file()


def load(source: str, meanwhile: Callable[[], None] = lambda: None) -> LoadedDefinition:
    """Load the definition of ``source``: ``-``, a ``.py`` file, or a file with a definition.

    ``meanwhile`` is called while another process produces the definition. Raises InputError
    and InvalidDefinitionError.
    """
    if source == STANDARD_STREAM:
        meanwhile()
        data = sys.stdin.buffer.read()
        if not data:
            raise InputError(
                "no definition on standard input",
                hint="pipe one in, for example: python build.py | llb build -",
            )
        return LoadedDefinition(Definition.from_bytes(data), None)
    path = Path(source)
    if not path.is_file():
        raise InputError(f"no such file: {source}")
    if is_script(path):
        return _run(path, meanwhile)
    try:
        return LoadedDefinition(Definition.from_bytes(path.read_bytes()), None)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error


def _run(path: Path, meanwhile: Callable[[], None]) -> LoadedDefinition:
    with BuildScript(path) as script:
        meanwhile()
        return script.result()
