"""Generate docs/dockerfile-support.md: the supported features and the tests that cover them.

``python -m tests.conformance.dockerfile.support`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

CASES = Kind("cases", "tests/conformance/dockerfile/cases/*.Dockerfile")
CHECKS = Kind("checks", "tests/conformance/dockerfile/checks/*.Dockerfile")

_HEAD = """\
# Dockerfile features and their tests

<!-- python -m tests.conformance.dockerfile.support writes this file. -->

This page lists the features of the Dockerfile language of `docker/dockerfile` up to 1.26, the
frontend of BuildKit v0.32.2. Of {total} features, {supported} are supported, {missing} are missing,
and {labs} is only in the image of the target `labs` of Dockerfile.frontend, like in
`docker/dockerfile:labs`. *Since* is the version of `docker/dockerfile` that introduced the feature.
Numbers in parentheses are the versions of later additions.

The last column links to the tests that cover a feature:

- **cases** are Dockerfiles that BuildKit's own Go packages convert too. The operations, their names
  and source locations, and the image config are equal byte for byte. If Go refuses a file
  (`error-…`), the error has the same message and line.
- **checks** are Dockerfiles whose warnings, outlines and targets are equal byte for byte to those of
  BuildKit's frontend.
- **tests** verify other properties. Those in `tests/e2e` build on a real daemon, and most of them
  compare the result with that of the stock frontend.

[conformance.md](conformance.md) describes further comparisons and the intended differences.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "dockerfile-support.md",
    head=_HEAD,
    kinds=(CASES, CHECKS),
)

if __name__ == "__main__":
    write(PAGE)
