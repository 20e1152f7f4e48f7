"""What steps take from: the build context, other stages, images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dockerfile.instructions.nodes import SCRATCH, Copy, Run
from llb.dockerfile.to_python.code_layout import Expr, Raw, call, text
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.stages import SHARED
from llb.dockerfile_rules.copy import is_remote
from llb.gocompat.path import join

if TYPE_CHECKING:
    from llb.dockerfile.to_python.function_body import Body
    from llb.dockerfile.to_python.stages import Model, Stage

_INDEX = re.compile(r"[+-]?[0-9]{1,18}\Z")
_CONTEXT = "build.context()"


def source(body: Body, name: str | None, *, numbers: bool) -> Expr:
    """Return the tree of a name, None being the build context. Raises Refusal.

    With ``numbers`` a number is that of a stage.
    """
    if name is None:
        return Raw("context") if _CONTEXT in body.shared else Raw(_CONTEXT)
    found = _stage(body, name, numbers=numbers)
    if found is not None:
        code = f"{found.function}()"
        return Raw(body.shared.get(code, code))
    if name == SCRATCH:
        return call("build.scratch")
    return call("build.image", text(name))


def takes_part(model: Model) -> bool:
    """Return whether steps take something of the build context, and none takes all of it."""
    taken: list[str] = []
    for step in (step.instruction for stage in model.stages for step in stage.steps):
        if isinstance(step, Copy) and step.stage is None and _takes_paths(step):
            taken += step.sources
        elif isinstance(step, Run):
            binds = (each for each in step.mounts if not each.stage and _is_bind(each.fields))
            taken += [_source_of(each.fields) for each in binds]
    return bool(taken) and not any(join("/", path) == "/" for path in taken)


def _source_of(fields: tuple[str, ...]) -> str:
    """Return what a mount takes of its tree."""
    pairs = (each.partition("=") for each in fields)
    return next((value for key, _, value in pairs if key in ("source", "src")), "/")


def share(body: Body) -> None:
    """Give names to the trees that the stage takes from several times."""
    counted: dict[str, int] = {}
    for step in body.stage.steps:
        each = step.instruction
        names: tuple[str | None, ...] = ()
        if isinstance(each, Copy) and _takes_paths(each):
            names = (each.stage,)
        elif isinstance(each, Run):
            names = tuple(mount.stage for mount in each.mounts if _is_bind(mount.fields))
        for name in names:
            code = _shared_code(body, name, numbers=isinstance(each, Copy))
            counted[code] = counted.get(code, 0) + 1
    for code, count in counted.items():
        if count > 1 and code:
            name = "context" if code == _CONTEXT else f"{SHARED}{code.removesuffix('()')}"
            body.shared[code] = name
            body.assign(name, Raw(code))


def _takes_paths(instruction: Copy) -> bool:
    is_elsewhere = instruction.is_add and all(map(is_remote, instruction.sources))
    return bool(instruction.sources) and not is_elsewhere


def _is_bind(fields: tuple[str, ...]) -> bool:
    kinds = [each for each in fields if each.startswith("type=")]
    return not kinds or kinds == ["type=bind"]


def _shared_code(body: Body, name: str | None, *, numbers: bool) -> str:
    if name is None:
        return _CONTEXT
    found = _stage(body, name, numbers=numbers)
    return "" if found is None else f"{found.function}()"


def _stage(body: Body, name: str, *, numbers: bool) -> Stage | None:
    stages = body.model.stages
    if numbers and "$" in name:
        raise Refusal(f"a variable in --from={name}")
    if numbers and _INDEX.match(name):
        if not 0 <= int(name) < body.stage.number:
            raise Refusal(f"there is no stage {name} before this one")
        return stages[int(name)]
    named = [each for each in stages if each.name == name.lower()]
    if len(named) > 1 or any(each.number >= body.stage.number for each in named):
        raise Refusal(f"the stage {name} comes later, or there are several")
    return named[0] if named else None
