"""Write docs/dockerfile-support.md: the supported Dockerfile features, and their tests.

Run it as ``python -m tests.conformance.dockerfile.support``.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

CASES = Kind("cases", "tests/conformance/dockerfile/cases/*.Dockerfile")
CHECKS = Kind("checks", "tests/conformance/dockerfile/checks/*.Dockerfile")

_HEAD = """\
# Dockerfile features

<!-- python -m tests.conformance.dockerfile.support writes this file. -->

The features of the language of `docker/dockerfile` up to 1.28, the frontend of BuildKit v0.34.2.
Of {total} features, {supported} are supported and {missing} are not.
*Since* is the version of `docker/dockerfile` that introduced a feature; later additions have their
version in parentheses.

The last column links to the tests and files that cover a feature:

- **cases** are Dockerfiles that BuildKit's own Go packages convert as well. Operations, their
  names and source locations, and the image config are equal byte for byte. Files that Go refuses
  (`error-…`) are refused in the same words at the same line.
- **checks** are Dockerfiles whose warnings, outlines and targets equal those of BuildKit's
  frontend byte for byte.
- **tests** cover everything else; those in `tests/e2e` build on a real daemon, and most of them
  compare the result with the stock frontend's.

[conformance.md](conformance.md) describes the other comparisons, and the intentional differences.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "dockerfile-support.md",
    head=_HEAD,
    kinds=(CASES, CHECKS),
)

if __name__ == "__main__":
    write(PAGE)
