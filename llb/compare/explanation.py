"""Why steps of a build cannot be taken from the cache of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.buildkit_names import LOCAL_SCHEME
from llb.compare.model import ChangedStep
from llb.compare.rendering import cause_text, field_lines, listed, step_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.compare.model import AffectedStep, Comparison, RootCause, Step

_CHAIN = 4


def explain(comparison: Comparison) -> str:
    """Return for each step of the new build that cannot be reused why, causes first.

    A cause is a step with other fields, one that is new, or one that is gone. Below it are
    the steps that follow from it, each with the steps between. At the end are steps
    whose reuse no definition decides: those that ignore the cache, and local directories.
    The text ends with a newline.
    """
    lines: list[str] = []
    steps = {each.new.digest: each for each in comparison.affected}
    for causes in _alike(comparison.root_causes()):
        lines += [*_cause_lines(causes, steps), ""]
    lines += _caveats(comparison)
    return "\n".join([*lines, _summary(comparison)]) + "\n"


def _alike(causes: Sequence[RootCause]) -> Iterable[list[RootCause]]:
    """Return the causes, those together that are changed in the same way, such as a variable."""
    groups: dict[tuple[str, ...], list[RootCause]] = {}
    for cause in causes:
        changed = isinstance(cause.step, ChangedStep)
        key = tuple(_reason(cause)) if changed else (cause.at.digest, str(cause.removed))
        groups.setdefault(key, []).append(cause)
    return groups.values()


def _cause_lines(causes: Sequence[RootCause], steps: Mapping[str, AffectedStep]) -> list[str]:
    lines = [*listed(causes, cause_text), *_reason(causes[0])]
    after = {each.new.digest: (each, cause) for cause in causes for each in cause.dependants}
    if after:
        lines.append(f"  and after {'it' if len(causes) == 1 else 'them'}")
        pairs = sorted(after.values(), key=lambda pair: pair[0].new.number)
        chains = listed(pairs, lambda pair: _chain(pair[0], pair[1].at.digest, steps))
        lines += [f"    {line}" for line in chains]
    return lines


def _reason(cause: RootCause) -> list[str]:
    """Return the fields that changed, or that the step is new or gone."""
    if isinstance(cause.step, ChangedStep):
        return field_lines(each for each in cause.step.fields if not each.metadata)
    return ["    this step is gone" if cause.removed else "    this step is new"]


def _chain(step: AffectedStep, cause: str, steps: Mapping[str, AffectedStep]) -> str:
    """Return a step, and the steps between it and the cause, nearest first."""
    between: list[str] = []
    below = _towards(step, cause, steps)
    while below is not None and len(between) <= _CHAIN:
        between.append(below.new.where)
        below = _towards(below, cause, steps)
    if len(between) > _CHAIN:
        between[-1] = "…"
    way = f"  (by way of {', '.join(between)})" if between else ""
    return step_text(step.new) + way


def _towards(
    step: AffectedStep, cause: str, steps: Mapping[str, AffectedStep]
) -> AffectedStep | None:
    """Return the input that follows from the cause as well, or None next to the cause."""
    if cause in step.via:
        return None
    inputs = (steps[each] for each in step.via if each in steps)
    return next((each for each in inputs if cause in each.causes), None)


def _caveats(comparison: Comparison) -> list[str]:
    """Return what is said of steps whose reuse the definitions do not decide."""
    steps = _new_steps(comparison)
    ignoring = [each for each in steps if each.vertex.metadata.ignore_cache]
    local = [each for each in steps if _is_local(each)]
    lines: list[str] = []
    if ignoring:
        lines += [
            "run in every build, as they ignore the cache, and what uses them may too:",
            *_named(ignoring),
            "",
        ]
    if local:
        lines += [
            "depends on the files sent, not only on the definition:",
            *_named(local),
            "",
        ]
    return lines


def _named(steps: Sequence[Step]) -> list[str]:
    return [f"    {line}" for line in listed(steps, step_text)]


def _is_local(step: Step) -> bool:
    identifier = str(step.vertex.op.get("identifier", ""))
    return step.vertex.kind == "source" and identifier.startswith(LOCAL_SCHEME)


def _new_steps(comparison: Comparison) -> list[Step]:
    """Return the steps of the new definition, in its order."""
    steps = {each.number: each for _, each in comparison.kept}
    steps |= {each.new.number: each.new for each in comparison.changed}
    steps |= {each.new.number: each.new for each in comparison.affected}
    steps |= {each.number: each for each in comparison.added}
    return [steps[number] for number in sorted(steps) if steps[number].vertex.kind is not None]


def _summary(comparison: Comparison) -> str:
    kept = sum(step.vertex.kind is not None for _, step in comparison.kept)
    if not comparison.rebuilds:
        return f"every step can be reused, all {kept}"
    total = len(_new_steps(comparison))
    return f"{total - kept} of {total} steps cannot be reused"
