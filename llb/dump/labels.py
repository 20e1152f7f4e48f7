"""Format one-line labels, metadata and source locations of steps."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from llb.arguments.checked import checked
from llb.buildkit_names import DEFAULT_SHELL
from llb.ops.metadata import CUSTOM_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.definition.decode import Vertex
    from llb.ops.nodes import LinuxResources, ProgressGroup
    from llb.source_map import Location, Range

_ACTIONS = (
    ("copy", ("src", "dest")),
    ("mkfile", ("path",)),
    ("mkdir", ("path",)),
    ("rm", ("path",)),
    ("symlink", ("oldpath", "newpath")),
)


@checked
def label(vertex: Vertex) -> str:
    """Describe an operation on one line: its custom name, if any, or its command."""
    return one_line(vertex.name) if vertex.name is not None else command(vertex)


def command(vertex: Vertex) -> str:
    """Describe the command of an operation on one line, whatever its custom name."""
    if vertex.kind is None:
        return "result"
    return one_line(_COMMANDS[vertex.kind](vertex.op))


def one_line(string: str) -> str:
    r"""Escape unprintable characters as Python does, including line breaks.

    Names in a definition are untrusted and must not move a terminal's cursor.

    >>> print(one_line("a\nb"))
    a\nb
    """
    if string.isprintable():
        return string
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in string
    )


def shortened(string: str, width: int) -> str:
    """Cut a string to ``width`` characters, with an ellipsis at the end if it was longer."""
    return string if len(string) <= width else string[: width - 1] + "…"


def place(location: Location) -> str:
    """Format the file and all lines of a location: ``file:line`` or ``file:first-last``."""
    lines = ", ".join(map(_lines, location.ranges))
    name = one_line(location.file.filename)
    return f"{name}:{lines}" if lines else name


def notes(vertex: Vertex) -> tuple[str, ...]:
    """List the metadata and source locations of a step as short phrases.

    Capabilities are left out, as they follow from the operation itself.
    """
    metadata = vertex.metadata
    phrases = [f"on workers {worker_filter}" for worker_filter in vertex.worker_filters]
    if metadata.ignore_cache:
        phrases.append("cache ignored")
    if metadata.export_cache is not None:
        phrases.append("cache exported" if metadata.export_cache else "cache not exported")
    if metadata.progress_group is not None:
        phrases.append(f"group {group_text(metadata.progress_group)}")
    if metadata.resources is not None:
        phrases.append(resources_text(metadata.resources))
    phrases += [
        f"{key}={value}"
        for key, value in sorted(metadata.description.items())
        if key != CUSTOM_NAME
    ]
    return tuple(map(one_line, phrases)) + tuple(map(place, vertex.locations))


def group_text(group: ProgressGroup) -> str:
    """Format the name and ID of a progress group, and whether it is weak."""
    return f"{group.name} ({group.id}{', weak' if group.weak else ''})"


def resources_text(limits: LinuxResources) -> str:
    """Format the limits that are set, as in ``memory=1 cpu_quota=2``."""
    pairs = (
        ("memory", limits.memory),
        ("memory_swap", limits.memory_swap),
        ("cpu_shares", limits.cpu_shares),
        ("cpu_period", limits.cpu_period),
        ("cpu_quota", limits.cpu_quota),
        ("cpuset_cpus", limits.cpuset_cpus),
        ("cpuset_mems", limits.cpuset_mems),
    )
    return " ".join(f"{name}={value}" for name, value in pairs if value) or "no limits"


def _lines(part: Range) -> str:
    return f"{part.line}" if part.line == part.end_line else f"{part.line}-{part.end_line}"


def _exec_command(op: Mapping[str, Any]) -> str:
    args = op.get("meta", {}).get("args", ())
    if args[:2] == DEFAULT_SHELL and len(args) == 3:
        return f"run {args[2]}"
    return f"run {shlex.join(args)}"


def _file_command(op: Mapping[str, Any]) -> str:
    return ", ".join(map(_action_command, op.get("actions", ())))


def _action_command(action: Mapping[str, Any]) -> str:
    for kind, fields in _ACTIONS:
        if kind in action:
            return " ".join([kind, *(action[kind].get(name, "") for name in fields)])
    return "no action"


_COMMANDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "source": lambda op: str(op.get("identifier", "")),
    "exec": _exec_command,
    "file": _file_command,
    "build": lambda _: "build",
    "merge": lambda _: "merge",
    "diff": lambda _: "diff",
    "passthrough": lambda op: f"passthrough {op.get('id', '')}",
}
