"""Write the template of a new frontend, for ``llb frontend new``."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILES = ("README.md", "app.toml", "main.py", "src/hello.sh", "test_main.py")


def write(directory: Path) -> Iterator[Path]:
    """Write the template's files into a directory, which is created, and yield their paths.

    Raises InputError if the directory is not empty or cannot be created.
    """
    template = files("llb.frontend.kit").joinpath("template")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise InputError(f"{directory} is not empty", hint="choose a new directory")
        for name in _FILES:
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(template.joinpath(name).read_bytes())
            yield path
    except OSError as error:
        raise InputError(f"cannot write {directory}: {error.strerror}") from error
