"""Build files in tests, which need no daemon."""

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


def file(name: str, text: str) -> SourceFile:
    return SourceFile(name, text.encode(), LANGUAGE)


def modules(text: str, neighbours: Mapping[str, str] | None = None) -> Modules:
    """Return a build file with the files beside it, by their paths."""
    there = {path: file(path, each) for path, each in (neighbours or {}).items()}

    def find(name: str) -> dict[str, SourceFile]:
        return {
            path: each
            for path, each in there.items()
            if path == f"{name}.py" or path.startswith(f"{name}/")
        }

    return Modules(file("build.py", text), find)


def load(text: str, neighbours: Mapping[str, str] | None = None) -> tuple[Target, ...]:
    """Return the targets of a build file; raises what its author sees."""
    found = modules(text, neighbours)
    try:
        return running.load(found, running.Stopwatch())
    finally:
        found.close()


def build(args: Mapping[str, str] | None = None, **given: Any) -> Build:
    """Return a build that can ask nobody for anything."""
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
            **given,
        }
    )


def make(
    text: str,
    neighbours: Mapping[str, str] | None = None,
    *,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    watch: running.Stopwatch | None = None,
) -> tuple[running.Part, ...]:
    """Return what a target of a build file makes; raises what its author sees."""
    found = modules(text, neighbours)
    try:
        chosen = find_target(running.load(found, running.Stopwatch()), target)
        watch = watch or running.Stopwatch()
        return running.make(chosen, Calls(build(args)), found.files, watch)
    finally:
        found.close()
