"""Answers to requests, whatever language they are about: what is offered, targets, an outline."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from llb.frontend.subrequests.result import given, location, to_result
from llb.gateway import definition_json
from llb.gocompat.tabwriter import align

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Definition
    from llb.dockerfile.outline import Need, Outline
    from llb.dockerfile.stages.targets import Target
    from llb.gateway import Result

DESCRIBE = "frontend.subrequests.describe"
OUTLINE = "frontend.outline"
TARGETS = "frontend.targets"
LINT = "frontend.lint"
CONVERT = "frontend.convertllb"

_VERSION = "1.0.0"
_CONVERT_VERSION = "0.1.0"
# Name, description and options; Docker's frontend describes these three alone.
_DESCRIBED: tuple[tuple[str, str, list[dict[str, str]] | None], ...] = (
    (
        OUTLINE,
        "List all parameters current build target supports",
        [{"name": "target", "description": "Target build stage"}],
    ),
    (TARGETS, "List all targets current build supports", []),
    (DESCRIBE, "List available subrequest types", None),
)


def describe_result() -> Result:
    """Return which requests there are."""
    value = [
        {
            "name": name,
            "version": _VERSION,
            "type": "rpc",
            "description": description,
            "opts": options,
            "inputs": None,
            "metadata": [
                {"name": each, "description": ""} for each in ("result.json", "result.txt")
            ],
            "refs": None,
        }
        for name, description, options in _DESCRIBED
    ]
    rows = [
        (name.removeprefix("frontend."), _VERSION, description)
        for name, description, _ in _DESCRIBED
    ]
    text = align([("NAME", "VERSION", "DESCRIPTION"), *rows], padding=1)
    return to_result(value, _VERSION, text=text.encode())


def targets_result(targets: Iterable[Target], text: bytes) -> Result:
    """Return the targets of the file with ``text``."""
    targets = tuple(targets)
    value = {
        "targets": [_target(each) for each in targets] or None,
        "sources": [base64.b64encode(text).decode()],
    }
    rows = [(_target_name(each), each.description) for each in targets]
    shown = align([("TARGET", "DESCRIPTION"), *rows], padding=1)
    return to_result(value, _VERSION, text=shown.encode())


def _target(target: Target) -> dict[str, Any]:
    return given(
        {
            "name": target.name,
            "default": target.is_default,
            "description": target.description,
            "base": target.base,
            "platform": target.platform,
            "location": location(range(target.lines[0], target.lines[1] + 1)),
        }
    )


def _target_name(target: Target) -> str:
    if not target.is_default:
        return target.name
    return f"{target.name} (default)" if target.name else "(default)"


def outline_result(found: Outline, text: bytes) -> Result:
    """Return what a target of the file with ``text`` can be given."""
    value = {
        "name": found.name,
        "description": found.description,
        "args": [
            {
                "name": each.name,
                **given({"description": each.description, "value": each.value}),
                "location": location(range(each.lines[0], each.lines[1] + 1)),
            }
            for each in found.arguments
        ],
        "secrets": [_need(each) for each in found.secrets],
        "ssh": [_need(each) for each in found.ssh],
        "sources": [base64.b64encode(text).decode()],
    }
    return to_result(given(value), _VERSION, text=_outline_text(found).encode())


def _need(need: Need) -> dict[str, Any]:
    fields = {"required": need.is_required} if need.is_required else {}
    lines = range(need.lines[0], need.lines[1] + 1)
    return {"name": need.name, **fields, "location": location(lines)}


def _outline_text(found: Outline) -> str:
    parts = []
    if found.name or found.description:
        rows = [("TARGET:", found.name or "(default)")]
        rows += [("DESCRIPTION:", found.description)] if found.description else []
        parts.append(align(rows, padding=1))
    if found.arguments:
        titles = ("BUILD ARG", "VALUE", "DESCRIPTION")
        arguments = [(each.name, each.value, each.description) for each in found.arguments]
        parts.append(align([titles, *arguments], padding=3))
    for title, needs in (("SECRET", found.secrets), ("SSH", found.ssh)):
        if needs:
            named = [(each.name, "true" if each.is_required else "") for each in needs]
            parts.append(align([(title, "REQUIRED"), *named], padding=3))
    return "".join(f"{part}\n" for part in parts)


def convert_result(definition: Definition) -> Result:
    """Return the steps that a file converts to."""
    return to_result(definition_json(definition), _CONVERT_VERSION)
