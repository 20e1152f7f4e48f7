"""Read bake files, and turn them into a plan."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.bake.definitions import overrides as target_overrides
from llb.bake.definitions.merging import merge
from llb.bake.definitions.plan import Plan
from llb.bake.definitions.resolution import Resolution
from llb.bake.definitions.target import FIELDS, Group, Target
from llb.bake.hcl.bodies import parse_body
from llb.bake.hcl.json_bodies import Schema, parse_json_body
from llb.bake.hcl.places import BakeFile
from llb.errors import BakeFileError
from llb.gocompat.strconv import parse_switch
from llb.local_files import paths
from llb.platforms import Platform

with lazy_imports(__name__):
    from llb.bake.compose import files as compose_files  # 20 ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.bake.definitions.resolution import Instance
    from llb.bake.hcl.nodes import Body

BakeSource: TypeAlias = "str | os.PathLike[str] | BakeFile"
"""The path of a bake file, ``-`` for standard input, or a file in memory."""

STANDARD_STREAM = "-"
COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
DEFAULT_NAMES = (
    *COMPOSE_NAMES,
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
)
_SCHEMA = Schema(
    {
        "group": (1, Schema({})),
        "target": (1, Schema({})),
        "variable": (1, Schema({"validation": (0, Schema({}))})),
        "function": (1, Schema({})),
    }
)
_NO_LOOKUP = "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP"
_YAML = (".yml", ".yaml")
_HCL, _JSON = ".hcl", ".json"


@frozen
class Environment:
    """Values for variables: ``given`` ones, and those of the environment, unless it is disabled."""

    given: Mapping[str, str]
    environ: Mapping[str, str]

    @classmethod
    def of(cls, given: Mapping[str, str], environ: Mapping[str, str]) -> Environment:
        """Combine values with an environment, which may say that it is not to be used."""
        try:
            ignored = parse_switch(environ.get(_NO_LOOKUP, "false"))
        except ValueError:
            ignored = False
        return cls(given, {} if ignored else environ)

    def look_up(self, name: str) -> str | None:
        """Find the value for a variable."""
        return self.given.get(name, self.environ.get(name))


@checked
def load(
    files: BakeSource | Iterable[BakeSource] = (),
    *,
    variables: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    command_context: str = "cwd://",
) -> Plan:
    """Read bake files and evaluate them. Raises BakeFileError and InputError.

    ``files`` are paths, by default those of buildx: compose files, ``docker-bake.json``,
    ``docker-bake.hcl`` and their overrides in the working directory. Later files extend earlier
    ones. ``variables`` are values for variables, which ``environ``, by default the environment,
    provides otherwise. ``overrides`` change targets when they are selected, as ``--set``:
    ``app.tags=example``, ``*.args.VERSION=2``.
    """
    environment = Environment.of(variables or {}, os.environ if environ is None else environ)
    sources = read(files)
    if not sources:
        raise BakeFileError(
            "couldn't find a bake definition",
            hint="name a file, or create docker-bake.hcl in the working directory",
        )
    builtins = {
        "BAKE_CMD_CONTEXT": command_context,
        "BAKE_LOCAL_PLATFORM": str(Platform.host()),
    }
    plan = _evaluated(sources, environment, builtins)
    return Plan(
        plan.targets,
        plan.groups,
        plan.variables,
        tuple(target_overrides.complete(overrides, environment.environ.get)),
    )


def read(files: BakeSource | Iterable[BakeSource]) -> list[BakeFile]:
    """Read files, by default those in the working directory. Raises InputError."""
    named = [files] if isinstance(files, str | os.PathLike | BakeFile) else list(files)
    if not named:
        named = [name for name in DEFAULT_NAMES if paths.exists(name)]
    return [file if isinstance(file, BakeFile) else _read(os.fspath(file)) for file in named]


def _read(name: str) -> BakeFile:
    try:
        data = sys.stdin.buffer.read() if name == STANDARD_STREAM else Path(name).read_bytes()
    except OSError as error:
        raise BakeFileError(f"cannot read {name}: {error.strerror}") from error
    try:
        return BakeFile(name, data.decode())
    except UnicodeDecodeError as error:
        raise BakeFileError(f"cannot read {name}: it is no text in UTF-8") from error


def _evaluated(
    sources: Sequence[BakeFile], environment: Environment, builtins: Mapping[str, str]
) -> Plan:
    compose: list[BakeFile] = []
    bodies: list[Body] = []
    try:
        for source in sources:
            body = _parsed(source)
            if body is None:
                compose.append(source)
            else:
                bodies.append(body)
        plan = compose_files.to_plan(compose, environment.look_up) if compose else Plan()
        if not bodies:
            return plan
        instances, variables = Resolution(builtins, environment.look_up).resolve(bodies)
    except RecursionError:
        raise BakeFileError("the bake file is nested too deep") from None
    merged = _with_instances(plan, instances)
    return Plan(merged.targets, merged.groups, tuple(variables))


def _parsed(source: BakeFile) -> Body | None:
    """Parse a file in HCL or JSON; None for a compose file. Raises BakeFileError."""
    lower = source.name.lower()
    if lower.endswith(_YAML):
        return None
    if source.name.endswith(_JSON):
        return parse_json_body(source, _SCHEMA)
    if source.name.endswith(_HCL):
        return parse_body(source)
    if not lower.endswith((_JSON, _HCL)) and compose_files.is_compose(source):
        return None
    try:
        return parse_body(source)
    except BakeFileError as error:
        if source.text.lstrip().startswith("{"):
            return parse_json_body(source, _SCHEMA)
        raise error from None


def _with_instances(plan: Plan, instances: Sequence[Instance]) -> Plan:
    """Add what blocks define: targets are merged by their names, groups replace earlier ones."""
    targets = {target.name: target for target in plan.targets}
    groups = {group.name: group for group in plan.groups}
    renamed: dict[str, list[str]] = {}
    for instance in instances:
        if instance.type == "group":
            groups[instance.name] = _group(instance)
            continue
        target = Target(
            instance.name, **{FIELDS[name]: value for name, value in instance.fields.items()}
        )
        earlier = targets.get(instance.name)
        targets[instance.name] = target if earlier is None else merge(earlier, target)
        renamed.setdefault(instance.label, []).append(instance.name)
    matrices = [
        Group(label, tuple(dict.fromkeys(names)))
        for label, names in renamed.items()
        if set(names) != {label}
    ]
    return Plan(tuple(targets.values()), (*groups.values(), *matrices))


def _group(instance: Instance) -> Group:
    targets = instance.fields.get("targets")
    if targets is None:
        raise instance.place.error(f"the group '{instance.name}' needs 'targets'")
    unique = tuple(dict.fromkeys(targets))
    return Group(instance.name, unique, instance.fields.get("description") or "")
