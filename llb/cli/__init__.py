"""The entry point of the ``llb`` command line.

Private to :mod:`llb`.
"""

from __future__ import annotations

import errno
import gc
import sys
import warnings
from typing import Any, TextIO

import click

from llb._lazy import lazy_imports
from llb.cli import signals, standard_streams
from llb.cli.connection_options import with_connection_options
from llb.cli.group import Commands
from llb.client.progress import actions
from llb.errors import ConfigurationWarning, LLBError, UnknownKeyWarning, render

with lazy_imports(__name__):
    from llb.client.progress import colors  # 2 ms

# Longer lines are hard to read.
_WIDEST = 120
# Those of writing to a file that is full, closed or broken.
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EIO)


_EXIT_STATUS_HELP = """\
Exit status: 0 for success, 1 for an error, 2 for a usage error, 129 on SIGHUP, 130 when interrupted,
143 on SIGTERM.
"""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDEST},
    epilog=_EXIT_STATUS_HELP,
)
@with_connection_options
@click.version_option(package_name="pyllb", prog_name="llb")
def cli(**options: Any) -> None:
    """Build images with BuildKit from Dockerfiles and Python.

    \b
    Examples:
      llb build . -t example --load     build the Dockerfile here, and load it into Docker
      llb build build.py -o out         build a Python file, and write the files to out/
      llb convert Dockerfile            write a Dockerfile as Python
      llb build --help                  show all options of a build

    A definition is a build graph, as the bytes that a daemon builds: a script in Python prints one.

    The options here choose the daemon for the command, which also takes them itself.
    """  # noqa: D301 - click wants the control character
    click.get_current_context().obj = options


def main() -> None:
    """Run the command line of this process and exit."""
    signals.handle()
    standard_streams.prepare()
    warnings.showwarning = _show_warning
    try:
        try:
            sys.exit(cli(standalone_mode=False))
        finally:
            # At exit, Python would report an error of this with a traceback.
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LLBError as error:
        _show_error(error)
        sys.exit(1)
    except ExceptionGroup as group:
        errors, others = group.split(LLBError)
        if errors is None or others is not None:
            raise
        for failure in errors.exceptions:
            _show_error(failure)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("error: interrupted", err=True)
        sys.exit(signals.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output closed the pipe.
        standard_streams.discard_output()
        sys.exit(1)
    except OSError as error:
        standard_streams.discard_output()
        subject = error.filename or ("standard output" if error.errno in _OUTPUT_ERRORS else "llb")
        click.echo(f"error: {subject}: {error.strerror}", err=True)
        sys.exit(1)
    finally:
        # Without this, a last garbage collection at exit takes 20 ms.
        gc.freeze()


def _show_error(error: Exception) -> None:
    assert isinstance(error, LLBError)
    shown = render(error, for_command=True, colors=colors.has_colors(sys.stderr))
    click.echo(shown, err=True, color=True)
    if actions.runs_here():
        click.echo(actions.annotation("error", error.message, error.span), err=True)


_show_line = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show our own warnings without a line of Python, which users of the command did not write."""
    if issubclass(category, ConfigurationWarning | UnknownKeyWarning):
        click.echo(f"warning: {message}", err=True)
    else:
        _show_line(message, category, filename, lineno, file, line)
