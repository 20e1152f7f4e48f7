"""Generate docs/client-support.md: the features of the client and the tests that cover them.

``python -m tests.conformance.client.support`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

_HEAD = """\
# Client features and their tests

<!-- python -m tests.conformance.client.support writes this file. -->

This page lists the features of `llb.client` and of the `llb` command: {supported} of {total} are
supported, {missing} are missing. For a missing feature, the table gives the reason.

The last column links to the tests and measurements that cover a feature. Tests in `tests/e2e` run
against real daemons. **Measurements** compare the client with buildctl in the same run.

[connections.md](connections.md) describes the addresses of daemons. [cli-flags.md](cli-flags.md)
compares the options of the command with those of buildctl and buildx.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "client-support.md",
    head=_HEAD,
    kinds=(Kind("measurements", "bench/*/results.json"),),
)

if __name__ == "__main__":
    write(PAGE)
