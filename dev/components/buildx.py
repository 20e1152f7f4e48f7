"""Build docker buildx with `go build`: the version that dev/buildx requires."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import binaries
from components.settings import TOOLS

if TYPE_CHECKING:
    from components.settings import Settings

SOURCE = TOOLS.parent / "buildx"
MODULE = "github.com/docker/buildx"
# Docker looks for its plugins under such names.
PROGRAM = "docker-buildx"


def provide(settings: Settings) -> Path:
    """Build the program if it is missing; return its path. Raises StackError on failure."""
    folder = settings.folder("buildx")
    program = folder / binaries.recipe(SOURCE) / PROGRAM
    if not program.exists():
        release = binaries.required_version(SOURCE, MODULE)
        # Standard output is the path.
        print(f"building buildx {release} (about three minutes, once)", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _build(Path(scratch) / "out", release)
            (Path(scratch) / "out").rename(program.parent)
    return program


def _build(output: Path, release: str) -> None:
    output.mkdir()
    stamp = f"-s -w -X {MODULE}/version.Version={release}"
    binaries.go_build(SOURCE, output, f"{MODULE}/cmd/buildx", "-ldflags", stamp)
    (output / "buildx").rename(output / PROGRAM)
