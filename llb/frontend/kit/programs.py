"""Run frontend programs in the process of a client instead of a container."""

from __future__ import annotations

import ast
import runpy
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llb.arguments.checked import checked
from llb.buildfile.running import to_author_error
from llb.errors import InputError
from llb.gateway.server import capture_served
from llb.local_files import paths
from llb.source_map import SourceFile, is_package_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from llb.gateway import Gateway, Request, Result

    Function: TypeAlias = Callable[[Request, Gateway], Result]


@contextmanager
def author_errors(program: str | PathLike[str]) -> Iterator[None]:
    """Show the author of a program the lines of its files in the traceback of an exception.

    Raises BuildFileError for the exceptions of the block, and LLBError as it is, with the line.
    """
    folder = paths.resolve(program).parent
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever the program raises
        raise to_author_error(error, _own_files(error, folder)) from None


def _own_files(error: BaseException, folder: Path) -> dict[str, SourceFile]:
    """Read the files of a folder that are in the tracebacks of an exception, by their names."""
    names = {
        frame.filename
        for each in _with_related(error)
        for frame in traceback.extract_tb(each.__traceback__)
    }
    resolved = {name: paths.resolve(name) for name in names}
    return {
        name: SourceFile(path.relative_to(folder).as_posix(), path.read_bytes(), language="Python")
        for name, path in resolved.items()
        if path.is_relative_to(folder) and paths.is_file(path) and not is_package_path(str(path))
    }


def _with_related(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the members of a group."""
    yield error
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *members):
        if other is not None:
            yield from _with_related(other)


@checked
def load(program: str | PathLike[str]) -> Function:
    """Load the function that a program serves, for ``Client.build`` to run as a frontend.

    Runs the program as its image would, up to :func:`llb.gateway.serve`. Raises the program's
    own exceptions, and InputError if it does not call ``serve``.
    """
    path = Path(program)
    if not paths.is_file(path):
        raise InputError(f"no such program: {path}")
    folder = str(paths.resolve(path).parent)
    with capture_served() as functions:
        sys.path.insert(0, folder)
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if not functions and end.code not in (None, 0):
                raise InputError(
                    f"{path} exits with status {end.code} without serving a frontend"
                ) from end
    if not functions:
        raise InputError(
            f"{path} does not serve a frontend",
            hint="end the program with llb.gateway.serve(function)",
        )
    return functions[0]


@checked
def default_filename(program: str | PathLike[str]) -> str | None:
    """Find the ``filename`` of the decorator ``@frontend(…)`` in a program without running it.

    Returns None if the program has none, or none that is a literal. Raises InputError if there is
    no such program.
    """
    path = Path(program)
    if not paths.is_file(path):
        raise InputError(f"no such program: {path}")
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        # The build reports it, with the line.
        return None
    calls = (
        decorator
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("frontend")
    )
    names = (
        keyword.value.value
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "filename" and isinstance(keyword.value, ast.Constant)
    )
    return next((name for name in names if isinstance(name, str)), None)
