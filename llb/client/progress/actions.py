"""Workflow commands of GitHub Actions: annotations of source lines, and groups that fold.

The rules are those of the documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from llb.control_characters import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import Span

END_GROUP = "::endgroup::"


def runs_here(environ: Mapping[str, str] = os.environ) -> bool:
    """Check whether this process is a step of a workflow, whose log has these commands."""
    return environ.get("GITHUB_ACTIONS") == "true"


def group(title: str) -> str:
    """Begin a group of lines.

    >>> group("RUN make")
    '::group::RUN make'
    """
    return f"::group::{_escape(title)}"


def annotation(level: Literal["error", "warning"], message: str, span: Span | None) -> str:
    r"""Annotate source lines with a message.

    >>> from llb.errors import Span
    >>> annotation("error", "100% wrong\nhere", Span("a,b/Dockerfile", "", 3))
    '::error file=a%2Cb/Dockerfile,line=3,endLine=3::100%25 wrong%0Ahere'
    """
    if span is None:
        return f"::{level}::{_escape(message)}"
    file = _escape(span.filename).replace(":", "%3A").replace(",", "%2C")
    lines = f"line={span.line},endLine={span.end_line or span.line}"
    return f"::{level} file={file},{lines}::{_escape(message)}"


def _escape(text: str) -> str:
    encoded = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escape(encoded)
