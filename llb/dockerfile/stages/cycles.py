"""Detect circular dependencies between stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.dockerfile.stages.stage import Stage


def check_cycles(stages: Iterable[Stage]) -> None:
    """Raise DockerfileError if a stage depends on itself, directly or through others."""
    done: set[Stage] = set()
    for root in stages:
        path: dict[Stage, None] = {}
        # In Docker, a cycle does not begin with the base of a stage.
        stack = [(root, iter(root.needs.values()))]
        path[root] = None
        while stack:
            stage, dependencies = stack[-1]
            following = next(dependencies, None)
            if following is None:
                stack.pop()
                path.pop(stage)
                done.add(stage)
            elif following in path:
                raise _cycle([*path, following])
            elif following not in done:
                path[following] = None
                stack.append((following, iter(following.needs.values())))


def _cycle(path: list[Stage]) -> errors.DockerfileError:
    """Report a cycle at the instruction of its first stage that leads to it."""
    first, following, *_ = path
    # If several instructions lead to it, Docker names the last one.
    *_, entry = (
        instruction for (instruction, _), stage in first.needs.items() if stage is following
    )
    return errors.cycle(entry.origin.span, first.label)
