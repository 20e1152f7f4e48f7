"""Print targets as the JSON of ``--print``, or a plan as a bake file in HCL or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.arguments.checked import checked
from llb.bake.definitions.target import FIELDS
from llb.gocompat.json import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.bake.definitions.plan import Plan, Selection
    from llb.bake.definitions.target import Group, Target

_INDENT = 2
# Their values are texts in which other languages may have ``${``, which begins a template.
_ESCAPED = ("annotations", "dockerfile-inline", "labels", "args", "extra-hosts")
_ENTRIES = ("attest", "cache-from", "cache-to", "secret", "ssh", "output", "policy", "resources")


@checked
def to_print(selection: Selection) -> str:
    """Format targets as ``--print`` does, without a newline at the end."""
    groups = {name: _group(group) for name, group in _by_name(selection.groups).items()}
    targets = {name: _target(target) for name, target in _by_name(selection.targets).items()}
    return dumps({**({"group": groups} if groups else {}), "target": targets}, indent=_INDENT)


@checked
def to_json(plan: Plan) -> str:
    """Format a plan as a bake file in JSON."""
    groups = {group.name: _escaped(_group(group)) for group in plan.groups}
    targets = {target.name: _target(target, escapes_all=True) for target in plan.targets}
    return (
        dumps({**({"group": groups} if groups else {}), "target": targets}, indent=_INDENT) + "\n"
    )


@checked
def to_hcl(plan: Plan) -> str:
    """Format a plan as a bake file in HCL."""
    blocks = [_block("group", group.name, _escaped(_group(group))) for group in plan.groups]
    blocks += [
        _block("target", target.name, _target(target, escapes_all=True)) for target in plan.targets
    ]
    return "\n".join(blocks)


def _by_name(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name] for name in sorted(members, key=str.encode)}


def _group(group: Group) -> dict[str, Any]:
    description = {"description": group.description} if group.description else {}
    return {**description, "targets": list(group.targets)}


def _target(target: Target, *, escapes_all: bool = False) -> dict[str, Any]:
    printed: dict[str, Any] = {}
    for name, attribute in FIELDS.items():
        value = getattr(target, attribute)
        if value is None or value in ((), {}, ""):
            # An empty text that replaces a default is printed.
            if value == "" and name != "description":
                printed[name] = value
            elif value == () and escapes_all:
                printed[name] = []
            continue
        if name in _ENTRIES:
            value = value.to_json() if name == "resources" else [each.to_json() for each in value]
            if name == "policy" and escapes_all:
                # What `--print` shows of policies is no bake file.
                value = list(map(str, getattr(target, attribute)))
        elif isinstance(value, tuple):
            value = list(value)
        elif not isinstance(value, str | bool):
            value = _by_name(value)
        if escapes_all or name in _ESCAPED:
            value = _escaped(value, keys=escapes_all)
        printed[name] = value
    return printed


def _escaped(value: Any, *, keys: bool = True) -> Any:
    match value:
        case str():
            return value.replace("${", "$${").replace("%{", "%%{")
        case list():
            return [_escaped(element, keys=keys) for element in value]
        case dict():
            return {
                _escaped(name) if keys else name: _escaped(element, keys=keys)
                for name, element in value.items()
            }
        case _:
            return value


def _block(kind: str, name: str, members: Mapping[str, Any]) -> str:
    lines = [f"{kind} {_quoted(name)} {{"]
    lines += [f"  {key} = {_hcl(value, 1)}" for key, value in members.items()]
    return "\n".join((*lines, "}", ""))


def _hcl(value: Any, depth: int) -> str:
    pad = "  " * depth
    match value:
        case list() if len(value) > 1 or any(isinstance(each, dict) for each in value):
            inner = "".join(f"{pad}  {_hcl(element, depth + 1)},\n" for element in value)
            return f"[\n{inner}{pad}]"
        case list():
            return f"[{', '.join(_hcl(element, depth) for element in value)}]"
        case dict():
            inner = "".join(
                f"{pad}  {_quoted(key)} = {_hcl(element, depth + 1)}\n"
                for key, element in value.items()
                if element is not None
            )
            return f"{{\n{inner}{pad}}}" if inner else "{}"
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    replaced = text.replace("\\", "\\\\").replace('"', '\\"')
    for character, escape in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        replaced = replaced.replace(character, escape)
    return f'"{replaced}"'
