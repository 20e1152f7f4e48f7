"""buildkitd, buildctl and the stock Dockerfile frontend, built from dev/tools with `go build`."""

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
    """BuildKit cannot be built here: Go, or the modules it needs, are out of reach."""


def version() -> str:
    """The version of BuildKit that dev/tools/go.mod requires, such as `v0.32.2`."""
    found = re.search(rf"{MODULE} (v\S+)", (TOOLS / "go.mod").read_text())
    if found is None:
        raise StackError(f"{TOOLS / 'go.mod'} does not require {MODULE}")
    return found[1]


def folder(settings: Settings) -> Path:
    """Where the programs for today's dev/tools lie once built."""
    recipe = hashlib.sha256(" ".join(FLAGS).encode())
    for source in ("go.mod", "go.sum"):
        recipe.update((TOOLS / source).read_bytes())
    return settings.state / "bin" / recipe.hexdigest()[:12]


def build(settings: Settings) -> Path:
    """Build the programs unless that is done already; the folder that holds them.

    Raises NoToolchainError where `go` is missing or `go build` fails.
    """
    target = folder(settings)
    if target.exists():
        return target
    go = shutil.which("go", path=os.pathsep.join([program_path(), "/usr/local/go/bin"]))
    if go is None:
        raise NoToolchainError("there is no `go` on PATH")
    print(f"building BuildKit {version()} (two minutes or so, once)", flush=True)
    # The folder gets its final name when it is complete, so that an interrupted build is repeated.
    with tempfile.TemporaryDirectory(dir=settings.folder("bin")) as scratch:
        _go_build(go, Path(scratch, "out"))
        Path(scratch, "out").rename(target)
    return target


def _go_build(go: str, output: Path) -> None:
    output.mkdir()
    stamp = f"-s -w -X {MODULE}/version.Version={version()}"
    # `tool` stands for all commands of go.mod's tool block.
    command = [go, "build", *FLAGS, "-ldflags", stamp, "-o", f"{output}{os.sep}", "tool"]
    # The user's flags and workspace are for the user's modules.
    own = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(command, check=False, cwd=TOOLS, env=os.environ | own)
    if done.returncode:
        raise NoToolchainError("`go build` failed in dev/tools; its messages are above")
