"""The ``llb`` command.

Private to :mod:`llb`.
"""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING

import click

from llb.cli.group import Commands
from llb.errors import LLBError, render

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130
_TOLD_TO_STOP = 143


_STATUSES = """\
Exit status: 0 for success, 1 for an error, 2 for a usage error, 130 when interrupted, 143 on
SIGTERM.
"""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_STATUSES,
)
@click.version_option(package_name="pyllb", prog_name="llb")
def cli() -> None:
    """Build images with BuildKit from Dockerfiles and Python."""


def main() -> None:
    """Run the command line of this process and exit."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LLBError as error:
        click.echo(render(error), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("error: interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has had enough.
        sys.stderr.close()
        sys.exit(1)
    finally:
        # Python looks through every object once more as it ends, and 20 ms pass.
        gc.freeze()


def _stop(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature
    """End as by an interrupt, so that the build ends and nothing half-made is left."""
    sys.exit(_TOLD_TO_STOP)
