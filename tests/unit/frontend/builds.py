"""Run build files with a fake daemon, which runs no steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.frontend.build import build
from llb.testing.gateway import run_frontend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import SolveError
    from llb.sources.inline_files import Content
    from llb.testing.gateway import Outcome

HEAD = """\
from llb import Image, Scratch, State, secret, ssh
from llb.buildfile import Build, target

"""
APP = f"""{HEAD}
@target
def app(build: Build) -> State:
"""
# The first line of the body of `app`.
BODY = APP.count("\n") + 1


def run(
    text: str,
    options: Mapping[str, str] | None = None,
    *,
    neighbours: Mapping[str, Content] | None = None,
    filename: str = "build.py",
    **fields: object,
) -> Outcome:
    """Build a build file, with its ``neighbours``: other files of the client."""
    return run_frontend(
        build,
        {"filename": filename, **(options or {})},
        files={filename: text, **(neighbours or {})},
        language="Python",
        **fields,  # type: ignore[arg-type]
    )


def error_of(outcome: Outcome) -> SolveError:
    """Get the error of a build, as its user sees it."""
    assert outcome.error is not None
    return outcome.error
