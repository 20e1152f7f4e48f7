"""The page docs/client-support.md: what the client and its command can do, and what holds it.

``python -m tests.conformance.client.support`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.features import DOCS, Kind, Page, write

_HEAD = """\
# What the client can do

<!-- python -m tests.conformance.client.support writes this file. -->

What `llb.client` and the command `llb` do with a BuildKit, line by line. Of {total} lines,
{supported} are supported; the others, {missing} in number, say why not.

The last column leads to what holds a line: tests, of which those in `tests/e2e` run against real
daemons, and **measurements**, each of which has buildctl beside it in the same run.

[connections.md](connections.md) has the addresses, [cli-flags.md](cli-flags.md) the options of the
command beside those of buildctl and buildx.
"""

PAGE = Page(
    lines=Path(__file__).parent / "features.toml",
    document=DOCS / "client-support.md",
    head=_HEAD,
    kinds=(Kind("measurements", "bench/*/results.json"),),
)

if __name__ == "__main__":
    write(PAGE)
