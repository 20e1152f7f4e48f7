"""The page docs/dockerfile-support.md: what is supported, and the cases and tests that hold it.

``python -m tests.conformance.dockerfile.support`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

CASES = Kind("cases", "tests/conformance/dockerfile/cases/*.Dockerfile")
CHECKS = Kind("checks", "tests/conformance/dockerfile/checks/*.Dockerfile")

_HEAD = """\
# What of Dockerfiles is supported

<!-- python -m tests.conformance.dockerfile.support writes this file. -->

This is the language of `docker/dockerfile` up to 1.26, the frontend of BuildKit v0.32.2, line by
line. Of {total} lines, {supported} are supported, {missing} are not, and {labs} is in the image of
the target `labs` of Dockerfile.frontend alone, as it is in that of `docker/dockerfile:labs`.
*Since* is the version of `docker/dockerfile` that brought it, and numbers in parentheses are of
what came later.

The last column leads to what holds a line:

- **cases** are Dockerfiles that BuildKit's own Go packages convert as well. Operations, their
  names and places, and the image config are equal byte for byte; what Go refuses (`error-…`) is
  refused in the same words at the same line.
- **checks** are Dockerfiles whose warnings, outlines and targets are equal to those of BuildKit's
  frontend, to the byte.
- **tests** say something else of it; those in `tests/e2e` build on a real daemon, and most of them
  compare with what the stock frontend builds.

[conformance.md](conformance.md) has what else the two are compared by, and what differs on
purpose.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "dockerfile-support.md",
    head=_HEAD,
    kinds=(CASES, CHECKS),
)

if __name__ == "__main__":
    write(PAGE)
