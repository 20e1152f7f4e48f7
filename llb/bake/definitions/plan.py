"""A plan: all targets and groups that bake files define, and the selection of some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb.arguments.checked import checked_methods, checked_raw_init
from llb.bake.definitions.entries import OutputEntry
from llb.bake.definitions.merging import merge, normalize
from llb.bake.definitions.overrides import parse_overrides
from llb.bake.definitions.target import Group, Target
from llb.errors import BakeFileError, did_you_mean
from llb.gocompat.patternmatcher import matches_glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.bake.definitions.overrides import Change
    from llb.bake.definitions.variables import Variable

DEFAULT = "default"
_LINK = "target:"
_WILDCARDS = frozenset("*?[]")


@frozen
class Selection:
    """The targets to build by name, complete with what they inherit, and the groups of these."""

    targets: Mapping[str, Target]
    groups: Mapping[str, Group] = field(factory=dict)


def _targets(targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(targets)


def _groups(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(groups)


@checked_methods()
@checked_raw_init
@frozen
class Plan:
    """The targets, groups and variables of bake files.

    ``overrides`` change targets when they are selected: ``pattern.attribute=value``, as ``--set``.
    """

    targets: tuple[Target, ...] = field(default=(), converter=_targets)
    groups: tuple[Group, ...] = field(default=(), converter=_groups)
    variables: tuple[Variable, ...] = ()
    overrides: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Target:
        """Return the target of a name, as it is defined. Raises BakeFileError."""
        for target in self.targets:
            if target.name == name:
                return target
        raise BakeFileError(f"there is no target '{name}'", hint=self._near(name))

    def with_target(self, target: Target) -> Plan:
        """Replace the target of this name, or add it."""
        names = [each.name for each in self.targets]
        if target.name not in names:
            return evolve(self, targets=(*self.targets, target))
        kept = tuple(target if each.name == target.name else each for each in self.targets)
        return evolve(self, targets=kept)

    def with_group(self, group: Group) -> Plan:
        """Replace the group of this name, or add it."""
        kept = tuple(each for each in self.groups if each.name != group.name)
        return evolve(self, groups=(*kept, group))

    def select(self, names: Iterable[str] = (DEFAULT,)) -> Selection:
        """Resolve targets and groups, by name or by pattern. Raises BakeFileError."""
        wanted = self._matching(names)
        changes = parse_overrides(self.overrides, self.expand)
        targets: dict[str, Target] = {}
        groups: dict[str, Group] = {}
        for name in wanted:
            target_names, group_names = self.members(name)
            for each in target_names:
                targets[each] = self._resolve(each, changes)
            groups |= {group.name: group for group in self.groups if group.name in group_names}
        for name in tuple(targets):
            self._link(name, targets, changes, ())
        return Selection(targets, _with_default(groups, wanted))

    def members(self, name: str) -> tuple[list[str], list[str]]:
        """List the targets and the groups in a group; a target is its only member."""
        targets: dict[str, None] = {}
        groups: dict[str, None] = {}
        self._collect(name, targets, groups, ())
        return list(targets), list(groups)

    def _resolve(self, name: str, overrides: Mapping[str, Change]) -> Target:
        """Complete a target with what it inherits, and with defaults. Raises BakeFileError."""
        target = self._complete(name, overrides, {})
        assert target is not None
        return evolve(
            target,
            inherits=None,
            context="." if target.context is None else target.context,
            dockerfile=target.dockerfile or "Dockerfile",
        )

    def expand(self, pattern: str) -> list[str]:
        """List the targets with this name, or whose names match a pattern. Raises BakeFileError."""
        names = [target.name for target in self.targets]
        if pattern in names:
            return [pattern]
        matching = [name for name in names if matches_glob(pattern, name)]
        if not matching:
            raise BakeFileError(
                f"could not find any target matching '{pattern}'", hint=self._near(pattern)
            )
        return matching

    def _matching(self, names: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        defined = [*(group.name for group in self.groups), *(each.name for each in self.targets)]
        for name in names:
            # The names of services in compose files may have dots.
            pattern = name.replace(".", "_")
            if not _WILDCARDS & set(pattern):
                found[pattern] = None
                continue
            matching = [each for each in defined if matches_glob(pattern, each)]
            if not matching:
                raise BakeFileError(
                    f"could not find any target matching '{pattern}'", hint=self._near(pattern)
                )
            found |= dict.fromkeys(matching)
        return list(found)

    def _collect(
        self, name: str, targets: dict[str, None], groups: dict[str, None], path: Sequence[str]
    ) -> None:
        group = next((each for each in self.groups if each.name == name), None)
        is_target = any(each.name == name for each in self.targets)
        if group is None or (name in path and is_target):
            # A group may have the name of a target that it contains.
            targets[name] = None
            return
        if name in path:
            raise BakeFileError(f"group cycle: the group '{name}' contains itself")
        groups[name] = None
        for member in group.targets:
            self._collect(member, targets, groups, (*path, name))

    def _complete(
        self, name: str, overrides: Mapping[str, Change], visited: dict[str, Target | None]
    ) -> Target | None:
        """Complete a target; None for one that inherits itself, as in buildx."""
        if name in visited:
            return visited[name]
        visited[name] = None
        own = next((target for target in self.targets if target.name == name), None)
        if own is None:
            raise BakeFileError(f"there is no target '{name}'", hint=self._near(name))
        result = Target(name)
        for inherited in own.inherits or ():
            base = self._complete(inherited, overrides, visited)
            if base is not None:
                result = merge(result, base)
        result = merge(result, own)
        if name in overrides:
            result = overrides[name](result)
        result = visited[name] = normalize(result)
        return result

    def _link(
        self,
        name: str,
        targets: dict[str, Target],
        overrides: Mapping[str, Change],
        visited: Sequence[str],
    ) -> None:
        """Add the targets that a target uses as contexts, and give it their entitlements."""
        path = (*visited, name)
        for value in sorted((targets[name].contexts or {}).values()):
            if not value.startswith(_LINK):
                continue
            linked = value.removeprefix(_LINK)
            if linked == name:
                raise BakeFileError(f"target {name} cannot link to itself")
            if linked in path:
                raise BakeFileError(f"infinite loop from {name} to {linked}")
            if linked not in targets:
                target = self._resolve(linked, overrides)
                outputs = (OutputEntry("cacheonly"),)
                targets[linked] = evolve(target, outputs=outputs, is_linked=True)
            self._link(linked, targets, overrides, path)
            targets[name] = _linked(targets[name], targets[linked])

    def _near(self, name: str) -> str | None:
        names = [*(target.name for target in self.targets), *(each.name for each in self.groups)]
        return did_you_mean(name, names)


def _linked(target: Target, other: Target) -> Target:
    platforms, others = target.platforms or (), other.platforms or ()
    if len(platforms) > 1 and len(others) > 1 and not set(platforms) <= set(others):
        raise BakeFileError(
            f"target {other.name} can't be used by {target.name} because its platforms"
            f" {', '.join(platforms)} are not a subset of {', '.join(others)}"
        )
    entitlements = dict.fromkeys((*(target.entitlements or ()), *(other.entitlements or ())))
    return evolve(target, entitlements=tuple(entitlements) or target.entitlements)


def _with_default(groups: dict[str, Group], wanted: Sequence[str]) -> dict[str, Group]:
    """Add the group of all that is built."""
    default = groups.get(DEFAULT)
    members = list(default.targets) if default else []
    for name in wanted:
        if default is not None and name == DEFAULT:
            continue
        default = default or Group(DEFAULT)
        members.append(name)
    if default is None:
        return groups
    unique = tuple(sorted(set(members), key=str.encode))
    return {**groups, DEFAULT: evolve(default, targets=unique)}
