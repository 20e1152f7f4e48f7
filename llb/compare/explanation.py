"""Explain why steps of a build cannot be reused from the cache of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.buildkit_names import LOCAL_SCHEME
from llb.compare.model import ChangedStep
from llb.compare.rendering import describe_cause, describe_step, field_lines, list_items

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.compare.model import AffectedStep, ComparedStep, Comparison, RootCause

_MAX_BETWEEN = 4


@checked
def explain(comparison: Comparison) -> str:
    """Explain why each step of the new build cannot be reused, grouped by root cause.

    A root cause is a step with changed fields, a new step, or a removed step. The steps that it
    affects are listed below it, each with the steps in between. At the end are steps whose reuse
    the definitions do not decide: those that ignore the cache, and local directories. The
    explanation ends with a newline.
    """
    lines: list[str] = []
    steps = {change.new.digest: change for change in comparison.affected}
    for causes in _group_alike(comparison.root_causes()):
        lines += [*_cause_lines(causes, steps), ""]
    lines += _caveats(comparison)
    return "\n".join([*lines, _summary(comparison)]) + "\n"


def _group_alike(causes: Sequence[RootCause]) -> Iterable[list[RootCause]]:
    """Group the causes that changed in the same way, such as by the same variable."""
    groups: dict[tuple[str, ...], list[RootCause]] = {}
    for cause in causes:
        changed = isinstance(cause.step, ChangedStep)
        key = tuple(_reason(cause)) if changed else (cause.at.digest, str(cause.removed))
        groups.setdefault(key, []).append(cause)
    return groups.values()


def _cause_lines(causes: Sequence[RootCause], steps: Mapping[str, AffectedStep]) -> list[str]:
    lines = [*list_items(causes, describe_cause), *_reason(causes[0])]
    affected = {step.new.digest: (step, cause) for cause in causes for step in cause.dependants}
    if affected:
        lines.append(f"  {'affects' if len(causes) == 1 else 'affect'}")
        pairs = sorted(affected.values(), key=lambda pair: pair[0].new.number)
        chains = list_items(pairs, lambda pair: _chain(pair[0], pair[1].at.digest, steps))
        lines += [f"    {line}" for line in chains]
    return lines


def _reason(cause: RootCause) -> list[str]:
    """List the fields that changed, or say that the step was added or removed."""
    if isinstance(cause.step, ChangedStep):
        return field_lines(change for change in cause.step.fields if not change.metadata)
    return ["    this step was removed" if cause.removed else "    this step was added"]


def _chain(step: AffectedStep, cause: str, steps: Mapping[str, AffectedStep]) -> str:
    """Describe a step and the steps between it and the cause, nearest first."""
    between: list[str] = []
    next_step = _next_towards(step, cause, steps)
    while next_step is not None and len(between) <= _MAX_BETWEEN:
        between.append(next_step.new.where)
        next_step = _next_towards(next_step, cause, steps)
    if len(between) > _MAX_BETWEEN:
        between[-1] = "…"
    path = f"  (via {', '.join(between)})" if between else ""
    return describe_step(step.new) + path


def _next_towards(
    step: AffectedStep, cause: str, steps: Mapping[str, AffectedStep]
) -> AffectedStep | None:
    """Find the input that the same cause affects, or None if the cause is the next step."""
    if cause in step.via:
        return None
    inputs = (steps[digest] for digest in step.via if digest in steps)
    return next((candidate for candidate in inputs if cause in candidate.causes), None)


def _caveats(comparison: Comparison) -> list[str]:
    """List the steps whose reuse the definitions do not decide."""
    steps = _new_steps(comparison)
    ignoring = [step for step in steps if step.vertex.metadata.ignore_cache]
    local = [step for step in steps if _is_local(step)]
    lines: list[str] = []
    if ignoring:
        lines += [
            "run in every build because they ignore the cache; steps that use them may run too:",
            *_step_lines(ignoring),
            "",
        ]
    if local:
        lines += [
            "depend on the files sent, not only on the definition:",
            *_step_lines(local),
            "",
        ]
    return lines


def _step_lines(steps: Sequence[ComparedStep]) -> list[str]:
    return [f"    {line}" for line in list_items(steps, describe_step)]


def _is_local(step: ComparedStep) -> bool:
    identifier = str(step.vertex.op.get("identifier", ""))
    return step.vertex.kind == "source" and identifier.startswith(LOCAL_SCHEME)


def _new_steps(comparison: Comparison) -> list[ComparedStep]:
    """Collect the steps of the new definition, in its order."""
    steps = {step.number: step for _, step in comparison.kept}
    steps |= {change.new.number: change.new for change in comparison.changed}
    steps |= {change.new.number: change.new for change in comparison.affected}
    steps |= {step.number: step for step in comparison.added}
    return [steps[number] for number in sorted(steps) if steps[number].vertex.kind is not None]


def _summary(comparison: Comparison) -> str:
    kept = sum(step.vertex.kind is not None for _, step in comparison.kept)
    if not comparison.rebuilds:
        return f"all {kept} steps can be reused"
    total = len(_new_steps(comparison))
    return f"{total - kept} of {total} steps cannot be reused"
