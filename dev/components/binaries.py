"""Build buildkitd, buildctl and the stock Dockerfile frontend from dev/tools with `go build`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from components.settings import TOOLS, Settings, StackError, program_path

MODULE = "github.com/moby/buildkit"
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


class NoToolchainError(StackError):
    """BuildKit cannot be built because Go or its modules are not available."""


def version() -> str:
    """Read the BuildKit version that dev/tools/go.mod requires, such as `v0.34.2`."""
    match = re.search(rf"{MODULE} (v\S+)", (TOOLS / "go.mod").read_text())
    if match is None:
        raise StackError(f"{TOOLS / 'go.mod'} does not require {MODULE}")
    return match[1]


def folder(settings: Settings) -> Path:
    """Locate the folder of the programs for the current dev/tools; it exists once they are built."""
    recipe = hashlib.sha256(" ".join(FLAGS).encode())
    for source in ("go.mod", "go.sum"):
        recipe.update((TOOLS / source).read_bytes())
    return settings.state / "bin" / recipe.hexdigest()[:12]


def build(settings: Settings) -> Path:
    """Build the programs unless they exist; return their folder.

    Raises NoToolchainError if `go` is missing or `go build` fails.
    """
    target = folder(settings)
    if target.exists():
        return target
    go = shutil.which("go", path=os.pathsep.join([program_path(), "/usr/local/go/bin"]))
    if go is None:
        raise NoToolchainError("`go` is not on PATH")
    print(f"building BuildKit {version()} (about two minutes, once)", flush=True)
    # The folder gets its final name only when complete; an interrupted build starts again.
    with tempfile.TemporaryDirectory(dir=settings.folder("bin")) as scratch:
        _go_build(go, Path(scratch, "out"))
        Path(scratch, "out").rename(target)
    return target


def _go_build(go: str, output: Path) -> None:
    output.mkdir()
    stamp = f"-s -w -X {MODULE}/version.Version={version()}"
    # `tool` means all commands in the tool block of go.mod.
    command = [go, "build", *FLAGS, "-ldflags", stamp, "-o", f"{output}{os.sep}", "tool"]
    # The user's Go flags and workspace must not affect this build.
    overrides = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    process = subprocess.run(command, check=False, cwd=TOOLS, env=os.environ | overrides)
    if process.returncode:
        raise NoToolchainError("`go build` failed in dev/tools; its messages are above")
