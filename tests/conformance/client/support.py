"""Write docs/client-support.md: the features of the client and its command, and their tests.

Run it as ``python -m tests.conformance.client.support``.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

_HEAD = """\
# Client features

<!-- python -m tests.conformance.client.support writes this file. -->

The features of `llb.client` and of the command `llb`. Of {total} features, {supported} are
supported; {missing} are not, for the reasons given.

The last column links to the tests and files that cover a feature. Tests in `tests/e2e` run against
real daemons, and **measurements** compare with buildctl in the same run.

[connections.md](connections.md) lists the addresses, and [cli-flags.md](cli-flags.md) compares the
options of the command with those of buildctl and buildx.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "client-support.md",
    head=_HEAD,
    kinds=(Kind("measurements", "bench/*/results.json"),),
)

if __name__ == "__main__":
    write(PAGE)
