"""The entry point of the ``llb`` command line.

Private to :mod:`llb`.
"""

from __future__ import annotations

import gc
import signal
import sys
import warnings
from typing import TYPE_CHECKING, TextIO

import click

from llb.cli.group import Commands
from llb.client.progress import actions
from llb.errors import LLBError, UnknownKeyWarning, render

if TYPE_CHECKING:
    from types import FrameType

# Longer lines are hard to read.
_WIDEST = 120
_INTERRUPTED = 130
_TERMINATED = 143


_EXIT_STATUS_HELP = """\
Exit status: 0 for success, 1 for an error, 2 for a usage error, 130 when interrupted, 143 on
SIGTERM.
"""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDEST},
    epilog=_EXIT_STATUS_HELP,
)
@click.version_option(package_name="pyllb", prog_name="llb")
def cli() -> None:
    """Build images with BuildKit from Dockerfiles and Python.

    \b
    Examples:
      llb build . -t example --load     build the Dockerfile here, and load it into Docker
      llb build build.py -o out         build a Python file, and write the files to out/
      llb convert Dockerfile            write a Dockerfile as Python
      llb build --help                  show all options of a build

    A definition is a build graph, as the bytes that a daemon builds: a script in Python prints one.
    """  # noqa: D301 - click wants the control character


def main() -> None:
    """Run the command line of this process and exit."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    warnings.showwarning = _show_warning
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LLBError as error:
        click.echo(render(error, for_command=True), err=True)
        if actions.runs_here():
            click.echo(actions.annotation("error", error.message, error.span), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("error: interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output closed the pipe.
        sys.stderr.close()
        sys.exit(1)
    finally:
        # Without this, a last garbage collection at exit takes 20 ms.
        gc.freeze()


_show_line = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning about an option without a line of Python, which users did not write."""
    if issubclass(category, UnknownKeyWarning):
        click.echo(f"warning: {message}", err=True)
    else:
        _show_line(message, category, filename, lineno, file, line)


def _exit_on_sigterm(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature
    """Exit as an interrupt does: the build is cancelled and no partial output remains."""
    sys.exit(_TERMINATED)
