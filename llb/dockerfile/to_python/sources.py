"""Trees that steps take files from: the build context, other stages, and images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dockerfile.instructions.nodes import SCRATCH, Copy, Run
from llb.dockerfile.to_python.code_layout import Expr, Raw, call, literal
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.stages import SHARED
from llb.dockerfile_rules.copy import is_remote
from llb.gocompat.path import join

if TYPE_CHECKING:
    from llb.dockerfile.to_python.function_body import Body
    from llb.dockerfile.to_python.stages import Model, Stage

_INDEX = re.compile(r"[+-]?[0-9]{1,18}\Z")
_CONTEXT = "build.context()"


def source_tree(body: Body, name: str | None, *, numbers: bool) -> Expr:
    """Write the tree that a name refers to; None means the build context.

    With ``numbers``, a number refers to the stage with that index. Raises NotExpressible.
    """
    if name is None:
        return Raw("context") if _CONTEXT in body.shared else Raw(_CONTEXT)
    stage = _stage(body, name, numbers=numbers)
    if stage is not None:
        code = f"{stage.function}()"
        return Raw(body.shared.get(code, code))
    if name == SCRATCH:
        return call("build.scratch")
    return call("build.image", literal(name))


def uses_part_of_context(model: Model) -> bool:
    """Check whether steps use parts of the build context, and none uses all of it."""
    paths: list[str] = []
    for step in (step.instruction for stage in model.stages for step in stage.steps):
        if isinstance(step, Copy) and step.stage is None and _copies_paths(step):
            paths += step.sources
        elif isinstance(step, Run):
            binds = (mount for mount in step.mounts if not mount.stage and _is_bind(mount.fields))
            paths += [_source_of(mount.fields) for mount in binds]
    return bool(paths) and not any(join("/", path) == "/" for path in paths)


def _source_of(fields: tuple[str, ...]) -> str:
    """Find the ``source`` of a bind mount; ``/`` is the default."""
    pairs = (field.partition("=") for field in fields)
    return next((value for key, _, value in pairs if key in ("source", "src")), "/")


def assign_shared_trees(body: Body) -> None:
    """Assign variables to the trees that a stage uses several times."""
    uses: dict[str, int] = {}
    for step in body.stage.steps:
        instruction = step.instruction
        names: tuple[str | None, ...] = ()
        if isinstance(instruction, Copy) and _copies_paths(instruction):
            names = (instruction.stage,)
        elif isinstance(instruction, Run):
            names = tuple(mount.stage for mount in instruction.mounts if _is_bind(mount.fields))
        for name in names:
            code = _shared_code(body, name, numbers=isinstance(instruction, Copy))
            uses[code] = uses.get(code, 0) + 1
    for code, count in uses.items():
        if count > 1 and code:
            name = "context" if code == _CONTEXT else f"{SHARED}{code.removesuffix('()')}"
            body.shared[code] = name
            body.assign(name, Raw(code))


def _copies_paths(instruction: Copy) -> bool:
    is_elsewhere = instruction.is_add and all(map(is_remote, instruction.sources))
    return bool(instruction.sources) and not is_elsewhere


def _is_bind(fields: tuple[str, ...]) -> bool:
    kinds = [field for field in fields if field.startswith("type=")]
    return not kinds or kinds == ["type=bind"]


def _shared_code(body: Body, name: str | None, *, numbers: bool) -> str:
    if name is None:
        return _CONTEXT
    stage = _stage(body, name, numbers=numbers)
    return "" if stage is None else f"{stage.function}()"


def _stage(body: Body, name: str, *, numbers: bool) -> Stage | None:
    stages = body.model.stages
    if numbers and "$" in name:
        raise NotExpressible(f"a variable in --from={name}")
    if numbers and _INDEX.match(name):
        if not 0 <= int(name) < body.stage.number:
            raise NotExpressible(f"--from={name} is not the index of an earlier stage")
        return stages[int(name)]
    matches = [stage for stage in stages if stage.name == name.lower()]
    if len(matches) > 1 or any(stage.number >= body.stage.number for stage in matches):
        raise NotExpressible(f"stage {name} is defined later or more than once")
    return matches[0] if matches else None
