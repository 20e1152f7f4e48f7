"""A comparison as text for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TypeVar

from llb.dump.labels import one_line, shortened
from llb.dump.listing import as_text
from llb.ops.defaults import SHELL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llb.compare.model import ChangedStep, Comparison, FieldChange, RootCause, Step, Value

_WIDTH = 100
# Around what differs in two long values so many characters are shown.
_CONTEXT = 24
_LISTED = 5
_CAUSE_WIDTH = 60
_Item = TypeVar("_Item")


def render(comparison: Comparison) -> str:
    """Return what differs, in the order of the steps: changed, added, removed, and what follows.

    Each step is at the line that made it. Steps that only follow are counted below
    the step at which that begins, and the first of them named. The text ends with a newline.
    """
    if comparison.equal:
        return "no differences\n"
    lines = _changed_lines(comparison.changed)
    lines += [f"+ {step_text(step)}" for step in comparison.added]
    lines += [f"- {step_text(step)}" for step in comparison.removed]
    lines += _followers(comparison)
    return "\n".join([*lines, "", summary(comparison)]) + "\n"


def field_lines(fields: Iterable[FieldChange]) -> list[str]:
    """Return ``path: old → new`` for each field, cut to where the values differ."""
    return [f"    {one_line(each.path)}: {_change_text(each)}" for each in fields]


def step_text(step: Step) -> str:
    """Return where a step was written and what it does, in at most one line's width."""
    return shortened(str(step), _WIDTH)


def summary(comparison: Comparison) -> str:
    """Return the counts of steps, as ``1 changed, 2 rebuilt, 5 the same``."""
    counts = (
        (len(comparison.changed), "changed"),
        (len(comparison.added), "added"),
        (len(comparison.removed), "removed"),
        (len(comparison.affected), "rebuilt"),
    )
    parts = [f"{count} {word}" for count, word in counts if count]
    same = sum(step.vertex.kind is not None for _, step in comparison.kept)
    return ", ".join([*parts, f"{same} the same"])


def listed(items: Sequence[_Item], text: Callable[[_Item], str]) -> list[str]:
    """Return the texts of the first items, and how many more there are."""
    if len(items) <= _LISTED + 1:
        return [text(each) for each in items]
    return [*(text(each) for each in items[:_LISTED]), f"and {len(items) - _LISTED} more"]


def cause_text(cause: RootCause) -> str:
    """Return the step at which a difference begins, marked as in :func:`render`."""
    mark = "-" if cause.removed else "+" if cause.step is cause.at else "~"
    return f"{mark} {step_text(cause.at)}"


def _changed_lines(changed: Iterable[ChangedStep]) -> list[str]:
    """Return the changed steps with their fields; these once where steps share them."""
    groups: dict[tuple[str, ...], list[Step]] = {}
    for each in changed:
        groups.setdefault(tuple(field_lines(each.fields)), []).append(each.new)
    lines: list[str] = []
    for fields, steps in groups.items():
        lines += [f"~ {step_text(step)}" for step in steps]
        lines += fields
    return lines


def _followers(comparison: Comparison) -> list[str]:
    """Return the steps that only follow, below what they follow from."""
    causes_text = {
        cause.at.digest: "the removed " * cause.removed + shortened(str(cause.at), _CAUSE_WIDTH)
        for cause in comparison.root_causes()
    }
    groups: dict[tuple[str, ...], list[Step]] = {}
    for each in comparison.affected:
        groups.setdefault(each.causes, []).append(each.new)
    lines: list[str] = []
    for causes, steps in groups.items():
        because = " and ".join(causes_text[digest] for digest in causes)
        lines.append(f"  rebuilt because of {because}")
        lines += [f"    {line}" for line in listed(steps, step_text)]
    return lines


def _change_text(change: FieldChange) -> str:
    old, new = _value_text(change.old), _value_text(change.new)
    if change.old is None:
        return f"added {shortened(new, _WIDTH)}"
    if change.new is None:
        return f"removed {shortened(old, _WIDTH)}"
    old, new = _contrasted(old, new)
    return f"{old} → {new}"


def _value_text(value: Value) -> str:
    """Return a value as JSON, or as a command where it is the arguments of one."""
    if isinstance(value, bytes):
        return as_text(value.decode("utf-8", errors="backslashreplace"))
    if isinstance(value, tuple) and value[:2] == SHELL and len(value) == 3:
        return one_line(str(value[2]))
    if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
        return one_line(shlex.join(value))
    return one_line(as_text(value))


def _contrasted(old: str, new: str) -> tuple[str, str]:
    """Return both without the long beginnings and ends that they share."""
    if max(len(old), len(new)) <= _WIDTH // 2:
        return old, new
    start = _shared(old, new)
    end = _shared(
        old[: start - 1 if start else None : -1], new[: start - 1 if start else None : -1]
    )
    return _window(old, start, end), _window(new, start, end)


def _shared(first: str, second: str) -> int:
    """Return how many characters two texts share at their beginnings."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _window(text: str, start: int, end: int) -> str:
    """Return what differs with some characters around it, cut in the middle if it is long."""
    left = max(0, start - _CONTEXT)
    right = min(len(text), len(text) - end + _CONTEXT)
    shown = shortened(text[left:right], _WIDTH)
    return ("…" if left else "") + shown + ("…" if right < len(text) else "")
