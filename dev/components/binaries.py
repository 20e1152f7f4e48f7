"""Build buildkitd, buildctl and the stock Dockerfile frontend with `go build`.

They are those that dev/tools requires; the daemon may be of another version.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from components.settings import TOOLS, Settings, StackError, program_path

MODULE = "github.com/moby/buildkit"
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


class NoToolchainError(StackError):
    """BuildKit cannot be built because Go or its modules are not available."""


def version(settings: Settings) -> str:
    """Determine the version of the daemon, such as `v0.34.2`."""
    return settings.buildkit or required_version(TOOLS, MODULE)


def folder(settings: Settings) -> Path:
    """Locate the folder of the programs for the current dev/tools; it exists once they are built."""
    return settings.state / "bin" / recipe(TOOLS)


def recipe(module: Path) -> str:
    """Name what is built from a Go module; other versions and flags have another name."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for source in ("go.mod", "go.sum"):
        digest.update((module / source).read_bytes())
    return digest.hexdigest()[:12]


def required_version(module: Path, requirement: str) -> str:
    """Determine the version of another module that a Go module requires. Raises StackError."""
    match = re.search(rf"{requirement} (v\S+)", (module / "go.mod").read_text())
    if match is None:
        raise StackError(f"{module / 'go.mod'} does not require {requirement}")
    return match[1]


def buildkitd(settings: Settings) -> Path:
    """Locate the daemon: that of dev/tools, or of the selected version."""
    programs = settings.state / "bin" / settings.buildkit if settings.buildkit else folder(settings)
    return programs / "buildkitd"


def build(settings: Settings) -> Path:
    """Build the programs unless they exist; return the folder of those for dev/tools.

    Raises NoToolchainError if `go` is missing or fails.
    """
    target, daemon = folder(settings), buildkitd(settings)
    if not target.exists():
        # `tool` means all commands in the tool block of go.mod.
        _build_buildkit(settings, target, required_version(TOOLS, MODULE), TOOLS, "tool")
    if not daemon.exists():
        name = f"{MODULE}@{settings.buildkit}"
        module = json.loads(_go("mod", "download", "-json", name, cwd=TOOLS))["Dir"]
        # Its own go.mod has the versions of its dependencies.
        source = Path(module)
        _build_buildkit(settings, daemon.parent, version(settings), source, "./cmd/buildkitd")
    return target


def go_build(
    source: Path, output: Path, package: str, *flags: str, has_c_code: bool = False
) -> None:
    """Build the programs of a package of the Go module in ``source``. Raises NoToolchainError."""
    build = ("build", *FLAGS, *flags, "-o", f"{output}{os.sep}", package)
    _go(*build, cwd=source, has_c_code=has_c_code)


def _build_buildkit(
    settings: Settings, target: Path, release: str, source: Path, package: str
) -> None:
    print(f"building BuildKit {release} (about two minutes, once)", flush=True)
    stamp = f"-s -w -X {MODULE}/version.Version={release}"
    # The folder gets its final name only when complete; an interrupted build starts again.
    with tempfile.TemporaryDirectory(dir=settings.folder("bin")) as scratch:
        output = Path(scratch, "out")
        output.mkdir()
        go_build(source, output, package, "-ldflags", stamp)
        output.rename(target)


def _go(*arguments: str, cwd: Path, has_c_code: bool = False) -> str:
    go = shutil.which("go", path=os.pathsep.join([program_path(), "/usr/local/go/bin"]))
    if go is None:
        raise NoToolchainError("`go` is not on PATH")
    # The user's Go flags and workspace must not affect this build.
    overrides = {"GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    overrides["CGO_ENABLED"] = str(int(has_c_code))
    process = subprocess.run(
        [go, *arguments],
        check=False,
        cwd=cwd,
        env=os.environ | overrides,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.returncode:
        sys.stderr.write(process.stdout)
        raise NoToolchainError(f"`go {arguments[0]}` failed in {cwd}; its messages are above")
    return process.stdout
