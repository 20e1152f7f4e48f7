"""Render a comparison for people to read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TypeVar

from llb.arguments.checked import checked
from llb.buildkit_names import DEFAULT_SHELL
from llb.dump.labels import one_line, shortened
from llb.dump.listing import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llb.compare.model import (
        ChangedStep,
        ComparedStep,
        Comparison,
        FieldChange,
        RootCause,
        Value,
    )

_WIDTH = 100
# The number of characters shown on either side of the difference in two long values.
_CONTEXT = 24
_MAX_LISTED = 5
_CAUSE_WIDTH = 60
_Item = TypeVar("_Item")


@checked
def render(comparison: Comparison) -> str:
    """List the differences in the order of the steps: changed, added, removed, and rebuilt.

    Each step has its source line. Steps that are rebuilt only because of others are counted below
    the cause, and the first of them are named. The result ends with a newline.
    """
    if comparison.equal:
        return "no differences\n"
    lines = _changed_lines(comparison.changed)
    lines += [f"+ {describe_step(step)}" for step in comparison.added]
    lines += [f"- {describe_step(step)}" for step in comparison.removed]
    lines += _rebuilt_lines(comparison)
    return "\n".join([*lines, "", summary(comparison)]) + "\n"


def field_lines(fields: Iterable[FieldChange]) -> list[str]:
    """Format ``path: old → new`` for each field, cut to the part that differs."""
    return [f"    {one_line(field.path)}: {_change_text(field)}" for field in fields]


def describe_step(step: ComparedStep) -> str:
    """Format the source line and label of a step, cut to one line."""
    return shortened(str(step), _WIDTH)


def summary(comparison: Comparison) -> str:
    """Count the steps, as in ``1 changed, 2 rebuilt, 5 the same``."""
    counts = (
        (len(comparison.changed), "changed"),
        (len(comparison.added), "added"),
        (len(comparison.removed), "removed"),
        (len(comparison.affected), "rebuilt"),
    )
    parts = [f"{count} {word}" for count, word in counts if count]
    same = sum(step.vertex.kind is not None for _, step in comparison.kept)
    return ", ".join([*parts, f"{same} the same"])


def list_items(items: Sequence[_Item], describe: Callable[[_Item], str]) -> list[str]:
    """Format the first items, and count the others."""
    if len(items) <= _MAX_LISTED + 1:
        return [describe(item) for item in items]
    return [
        *(describe(item) for item in items[:_MAX_LISTED]),
        f"and {len(items) - _MAX_LISTED} more",
    ]


def describe_cause(cause: RootCause) -> str:
    """Format a root cause, marked as in :func:`render`."""
    mark = "-" if cause.removed else "+" if cause.step is cause.at else "~"
    return f"{mark} {describe_step(cause.at)}"


def _changed_lines(changed: Iterable[ChangedStep]) -> list[str]:
    """Format the changed steps; steps with equal changes share one list of fields."""
    groups: dict[tuple[str, ...], list[ComparedStep]] = {}
    for change in changed:
        groups.setdefault(tuple(field_lines(change.fields)), []).append(change.new)
    lines: list[str] = []
    for fields, steps in groups.items():
        lines += [f"~ {describe_step(step)}" for step in steps]
        lines += fields
    return lines


def _rebuilt_lines(comparison: Comparison) -> list[str]:
    """Format the steps rebuilt only because of others, below their causes."""
    cause_texts = {
        cause.at.digest: "the removed " * cause.removed + shortened(str(cause.at), _CAUSE_WIDTH)
        for cause in comparison.root_causes()
    }
    groups: dict[tuple[str, ...], list[ComparedStep]] = {}
    for step in comparison.affected:
        groups.setdefault(step.causes, []).append(step.new)
    lines: list[str] = []
    for causes, steps in groups.items():
        because = " and ".join(cause_texts[digest] for digest in causes)
        lines.append(f"  rebuilt because of {because}")
        lines += [f"    {line}" for line in list_items(steps, describe_step)]
    return lines


def _change_text(change: FieldChange) -> str:
    old, new = _value_text(change.old), _value_text(change.new)
    if change.old is None:
        return f"added {shortened(new, _WIDTH)}"
    if change.new is None:
        return f"removed {shortened(old, _WIDTH)}"
    old, new = _cut_to_difference(old, new)
    return f"{old} → {new}"


def _value_text(value: Value) -> str:
    """Format a value as JSON, or the arguments of a command as a command line."""
    if isinstance(value, bytes):
        return as_json(value.decode("utf-8", errors="backslashreplace"))
    if isinstance(value, tuple) and value[:2] == DEFAULT_SHELL and len(value) == 3:
        return one_line(str(value[2]))
    if isinstance(value, tuple) and value and all(isinstance(item, str) for item in value):
        return one_line(shlex.join(value))
    return one_line(as_json(value))


def _cut_to_difference(old: str, new: str) -> tuple[str, str]:
    """Cut long common beginnings and ends from two values."""
    if max(len(old), len(new)) <= _WIDTH // 2:
        return old, new
    start = _common_prefix_length(old, new)
    end = _common_prefix_length(
        old[: start - 1 if start else None : -1], new[: start - 1 if start else None : -1]
    )
    return _window(old, start, end), _window(new, start, end)


def _common_prefix_length(first: str, second: str) -> int:
    """Count the characters that two strings share at their beginning."""
    count = 0
    for left, right in zip(first, second, strict=False):
        if left != right:
            break
        count += 1
    return count


def _window(value: str, start: int, end: int) -> str:
    """Cut out the part that differs, with some context, shortened in the middle if it is long."""
    left = max(0, start - _CONTEXT)
    right = min(len(value), len(value) - end + _CONTEXT)
    shown = shortened(value[left:right], _WIDTH)
    return ("…" if left else "") + shown + ("…" if right < len(value) else "")
