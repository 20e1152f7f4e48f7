"""Run a build script for ``llb build``, and report its errors.

The command is ``python -m llb.script FILE``. An error of this package points at the line of the
script that caused it; any other exception is shown with a traceback of the script's own frames.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path

from llb.errors import LLBError, Span, render
from llb.script.main import FAILED

_PACKAGE = str(Path(__file__).parents[1]) + "/"


def run(path: str) -> int:
    """Run the script and return the exit status; SystemExit of the script is not caught."""
    sys.argv = [path]
    # Python adds a script's folder to sys.path, but not when it runs with -P, as here.
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        runpy.run_path(path, run_name="__main__")
    except LLBError as error:
        error.span = error.span or _script_span(error)
        sys.stderr.write(render(error) + "\n")
        return FAILED
    # A script may raise anything; its author wants to see where.
    except Exception as error:  # noqa: BLE001
        _print_own_frames(error)
        return FAILED
    return 0


def _script_span(error: BaseException) -> Span | None:
    """Find the innermost line that is neither in this package nor in generated code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((_PACKAGE, "<")) and frame.lineno is not None:
            try:
                text = Path(frame.filename).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return None
            return Span(frame.filename, text, frame.lineno)
    return None


def _print_own_frames(error: Exception) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((_PACKAGE, "<frozen")):
        trace = trace.tb_next
    traceback.print_exception(error.with_traceback(trace))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
