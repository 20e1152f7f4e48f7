"""Run build files in tests without a daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.buildfile import Build, Source, running
from llb.buildfile.current import Calls
from llb.buildfile.loading import LANGUAGE, Modules
from llb.buildfile.target import Target, find_target
from llb.platforms import Platform
from llb.source_map import SourceFile

if TYPE_CHECKING:
    from collections.abc import Mapping

LINUX = Platform("linux", "amd64")
HEAD = """\
from llb import Image, Scratch, State
from llb.buildfile import Build, target
"""


def file(name: str, content: str) -> SourceFile:
    return SourceFile(name, content.encode(), LANGUAGE)


def modules(source_text: str, neighbours: Mapping[str, str] | None = None) -> Modules:
    """Create the modules of a build file and the files next to it, by their paths."""
    files = {path: file(path, content) for path, content in (neighbours or {}).items()}

    def find(name: str) -> dict[str, SourceFile]:
        return {
            path: source
            for path, source in files.items()
            if path == f"{name}.py" or path.startswith(f"{name}/")
        }

    return Modules(file("build.py", source_text), find)


def load(source_text: str, neighbours: Mapping[str, str] | None = None) -> tuple[Target, ...]:
    """Load the targets of a build file; raises the errors that its author sees."""
    loaded = modules(source_text, neighbours)
    try:
        return running.load_targets(loaded, running.Stopwatch())
    finally:
        loaded.close()


def build(args: Mapping[str, str] | None = None, **fields: Any) -> Build:
    """Create a build without a host."""
    return Build(
        **{
            "platform": LINUX,
            "build_platform": LINUX,
            "platforms": (LINUX,),
            "target": "app",
            "args": args or {},
            "labels": {},
            "no_cache": False,
            "epoch": None,
            "contexts": {},
            "source": Source(file("build.py", "")),
            "host": None,
            **fields,
        }
    )


def run_target(
    source_text: str,
    neighbours: Mapping[str, str] | None = None,
    *,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    watch: running.Stopwatch | None = None,
) -> tuple[running.Part, ...]:
    """Run a target of a build file; raises the errors that its author sees."""
    loaded = modules(source_text, neighbours)
    try:
        targets = running.load_targets(loaded, running.Stopwatch())
        watch = watch or running.Stopwatch()
        calls: Calls[Target] = Calls(build(args))
        return running.run_target(find_target(targets, target), calls, loaded.files, watch)
    finally:
        loaded.close()
