"""Download Go modules from the module proxy, and read their source."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from tests.conformance.llb.go import environment, program

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDKIT = "github.com/moby/buildkit"
BUILDX = "github.com/docker/buildx"


class ModuleError(Exception):
    """A module could not be downloaded."""


@frozen
class Module:
    """The source of one version of a Go module."""

    path: str
    version: str
    folder: Path

    @classmethod
    def download(cls, path: str, version: str) -> Module:
        """Download a version unless Go has it already. Raises ModuleError."""
        command = [program(), "mod", "download", "-json", f"{path}@{version}"]
        process = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment()
        )
        if process.returncode:
            reason = json.loads(process.stdout)["Error"] if process.stdout else process.stderr
            raise ModuleError(f"{path}@{version}: {reason.strip()}")
        return cls(path, version, Path(json.loads(process.stdout)["Dir"]))

    def requirement(self, path: str) -> Module:
        """Download the version of another module that this one requires. Raises ModuleError."""
        match = re.search(rf"^\s*{re.escape(path)} (\S+)", self.read("go.mod"), re.MULTILINE)
        if match is None:
            raise ModuleError(f"{self.path}@{self.version} does not require {path}")
        return Module.download(path, match[1])

    def read(self, name: str) -> str:
        """Read a file; an absent one is empty."""
        path = self.folder / name
        return path.read_text() if path.is_file() else ""

    def files(self, pattern: str) -> Iterator[str]:
        """List the files that match a pattern of :meth:`pathlib.Path.glob`, without Go's tests."""
        for path in sorted(self.folder.glob(pattern)):
            if path.is_file() and not path.name.endswith("_test.go"):
                yield str(path.relative_to(self.folder))
