"""Report what another version of BuildKit or buildx changes for this project.

``python -m tests.conformance.bump v0.34.2`` compares it with the version that protos/VERSION names,
and our recordings with its Go packages. CONTRIBUTING.md says what to do with each section.
"""

from __future__ import annotations

import argparse
import sys

from tests.conformance.bump.modules import BUILDKIT, BUILDX, Module, ModuleError
from tests.conformance.bump.report import (
    ROOT,
    Section,
    buildx_sections,
    recording_sections,
    source_sections,
)

OUTPUT = ROOT / "out" / "bump.md"


def main() -> int:
    """Print the report, and write it to out/bump.md."""
    parser = argparse.ArgumentParser(prog="make bump", description=__doc__.splitlines()[0])
    parser.add_argument("--buildkit", metavar="VERSION", help="a version such as v0.34.2")
    parser.add_argument("--buildx", metavar="VERSION", help="a version such as v0.38.2")
    arguments = parser.parse_args()
    if not arguments.buildkit and not arguments.buildx:
        parser.error("missing version: expected BUILDKIT=vX.Y.Z, BUILDX=vX.Y.Z or both")
    try:
        text = "\n".join(report(arguments.buildkit, arguments.buildx))
    except ModuleError as error:
        sys.stderr.write(f"make bump: {error}\n")
        return 1
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text)
    sys.stdout.write(text)
    return 0


def report(buildkit: str | None, buildx: str | None) -> list[str]:
    """Write the parts of the report. Raises ModuleError if a version does not exist."""
    parts: list[str] = []
    if buildkit:
        current = (ROOT / "protos" / "VERSION").read_text().strip()
        old, new = Module.download(BUILDKIT, current), Module.download(BUILDKIT, buildkit)
        sections = (*source_sections(old, new), *recording_sections(new))
        parts += [f"# BuildKit {current} to {buildkit}\n", *map(Section.render, sections)]
    if buildx:
        module = Module.download(BUILDX, buildx)
        parts += [f"# buildx {buildx}\n", *map(Section.render, buildx_sections(module))]
    return parts


if __name__ == "__main__":
    raise SystemExit(main())
