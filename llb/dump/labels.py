"""What a step is called, and what is said about it, on one line each."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from llb.ops.defaults import SHELL
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


def label(vertex: Vertex) -> str:
    """Return one line that says what an operation does; its custom name where it has one."""
    return one_line(vertex.name) if vertex.name is not None else command(vertex)


def command(vertex: Vertex) -> str:
    """Return one line that says what an operation does, whatever its name is."""
    if vertex.kind is None:
        return "result"
    return one_line(_COMMANDS[vertex.kind](vertex.op))


def one_line(text: str) -> str:
    r"""Return ``text`` with what does not print as a Python escape, line ends included.

    A name comes from whoever wrote the definition; it is not to move a terminal's cursor.

    >>> print(one_line("a\nb"))
    a\nb
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def shortened(text: str, width: int) -> str:
    """Return at most ``width`` characters of ``text``, the last a dot-dot-dot where some miss."""
    return text if len(text) <= width else text[: width - 1] + "…"


def place(location: Location) -> str:
    """Return ``file:line``, or ``file:first-last``, with all the lines of a location."""
    lines = ", ".join(map(_lines, location.ranges))
    name = one_line(location.file.filename)
    return f"{name}:{lines}" if lines else name


def notes(vertex: Vertex) -> tuple[str, ...]:
    """Return in a few words each what is said about a step, and where it was written.

    Capabilities are left out: they follow from what the step does.
    """
    metadata = vertex.metadata
    found = [f"on workers {each}" for each in vertex.worker_filters]
    if metadata.ignore_cache:
        found.append("cache ignored")
    if metadata.export_cache is not None:
        found.append("cache exported" if metadata.export_cache else "cache not exported")
    if metadata.progress_group is not None:
        found.append(f"group {group_text(metadata.progress_group)}")
    if metadata.resources is not None:
        found.append(resources_text(metadata.resources))
    found += [
        f"{key}={value}"
        for key, value in sorted(metadata.description.items())
        if key != CUSTOM_NAME
    ]
    return tuple(map(one_line, found)) + tuple(map(place, vertex.locations))


def group_text(group: ProgressGroup) -> str:
    """Return the name and the id of a progress group, and whether it gives way to others."""
    return f"{group.name} ({group.id}{', weak' if group.weak else ''})"


def resources_text(limits: LinuxResources) -> str:
    """Return the limits that are set, as ``memory=1 cpu_quota=2``."""
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
    if args[:2] == SHELL and len(args) == 3:
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
