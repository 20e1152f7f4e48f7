"""Choose how ``llb build`` builds a Python file: as a script, or as a build file, and where."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve, frozen

from llb._lazy import lazy_imports
from llb.cli.definition_source import PYTHON
from llb.cli.standard_streams import STANDARD_STREAM
from llb.errors import InputError, LLBError, RemoteError
from llb.local_files import paths

with lazy_imports(__name__):
    from llb.buildfile import recognition  # 0.0 ms
    from llb.dockerfile.parser import directives  # 61 ms
    from llb.frontend import in_process  # 0.3 ms

if TYPE_CHECKING:
    from llb.cli.frontend_options import FrontendOptions
    from llb.gateway.server import Function

_SYNTAX = "BUILDKIT_SYNTAX"
EVALUATE_HERE = "--evaluate-here"


@frozen
class Selected:
    """What to build: the source, the options of the frontend, and a function to run here, if any.

    ``image`` is the frontend that the file names, on line ``line`` of ``file``.
    """

    source: str
    frontend: FrontendOptions
    function: Function | None = None
    file: str = ""
    image: str | None = None
    line: int = 0

    def explain(self, error: LLBError) -> None:
        """Add a hint to the error of a build whose frontend's image cannot be had."""
        span = error.span
        is_about_image = span is not None and (span.line, span.filename) == (
            self.line,
            Path(self.file).name,
        )
        if self.image is None or not is_about_image or not isinstance(error, RemoteError):
            return
        here = (
            f"the file names this frontend: make its image with `llb frontend image -t "
            f"{self.image} --push`, or evaluate the file in this process, with your rights: "
            f"{EVALUATE_HERE}"
        )
        error.hint = here if error.hint is None else f"{error.command_hint}; {here}"


def select(source: str, frontend: FrontendOptions) -> Selected:
    """Decide what builds a source.

    A build file that names no frontend is evaluated in this process; one that does is left to
    the daemon, unless ``--evaluate-here`` is set. Other sources are left as they are. Raises
    UsageError if ``--evaluate-here`` is set and there is no file to evaluate.
    """
    is_argument = frontend.dockerfile is None
    file = source if is_argument and source.endswith(PYTHON) else frontend.dockerfile
    here = _here() if frontend.evaluate_here else None
    if here is not None and frontend.frontend is not None:
        raise click.UsageError(f"{EVALUATE_HERE} and --frontend cannot be combined")
    if here is not None and not is_argument and source == STANDARD_STREAM:
        return Selected(source, frontend, here)
    is_python = file is not None and file.endswith(PYTHON) and source != STANDARD_STREAM
    data = _read(file) if file is not None and is_python else None
    if file is None or data is None:
        _refuse_definition(source, frontend)
        return Selected(source, frontend, here)
    syntax = directives.detect_syntax(data)
    names_frontend = syntax is not None or _SYNTAX in frontend.build_args
    if is_argument and not names_frontend and not recognition.is_build_file(data):
        _refuse_definition(source, frontend)
        _refuse_misplaced_syntax(file, data, "move it up, or remove it from the script")
        return Selected(source, frontend)
    if is_argument:
        source, frontend = ".", evolve(frontend, dockerfile=file)
    if here is None and not names_frontend and frontend.frontend is None:
        _refuse_misplaced_syntax(
            file,
            data,
            f"move it up, or evaluate the file in this process, with your rights: {EVALUATE_HERE}",
        )
        return Selected(source, frontend, _here(), file)
    if syntax is None or here is not None:
        return Selected(source, frontend, here, file)
    return Selected(source, frontend, None, file, syntax.source, syntax.line)


def _here() -> Function:
    return partial(in_process.build_in_process, follow_syntax=False)


def _read(file: str) -> bytes | None:
    """Read a file; None if it cannot be read, which is reported where it is needed."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return None


def _refuse_definition(source: str, frontend: FrontendOptions) -> None:
    is_definition = frontend.dockerfile is None and not paths.is_dir(source)
    if frontend.evaluate_here and is_definition:
        raise click.UsageError(
            f"{EVALUATE_HERE} is for build files and Dockerfiles, not for {source}"
        )


def _refuse_misplaced_syntax(file: str, data: bytes, hint: str) -> None:
    misplaced = recognition.misplaced_syntax(data)
    if misplaced is not None:
        line, image = misplaced
        raise InputError(
            f"{file}:{line}: this line does not select the frontend {image}: only the first lines of "
            "a file can",
            hint=hint,
        )
