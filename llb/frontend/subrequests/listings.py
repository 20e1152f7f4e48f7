"""Answers to the subrequests describe, targets, outline and convertllb, for any language."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from llb.frontend.subrequests.result import location, to_result, without_empty
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
# Name, description and options; Docker's frontend describes only these three.
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
    """List the available subrequests."""
    value = [
        {
            "name": name,
            "version": _VERSION,
            "type": "rpc",
            "description": description,
            "opts": options,
            "inputs": None,
            "metadata": [{"name": key, "description": ""} for key in ("result.json", "result.txt")],
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
    """List the targets of the file with ``text``."""
    targets = tuple(targets)
    value = {
        "targets": [_target(target) for target in targets] or None,
        "sources": [base64.b64encode(text).decode()],
    }
    rows = [(_target_name(target), target.description) for target in targets]
    shown = align([("TARGET", "DESCRIPTION"), *rows], padding=1)
    return to_result(value, _VERSION, text=shown.encode())


def _target(target: Target) -> dict[str, Any]:
    return without_empty(
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


def outline_result(outline: Outline, text: bytes) -> Result:
    """Describe the build args, secrets and ssh agents of a target of the file with ``text``."""
    value = {
        "name": outline.name,
        "description": outline.description,
        "args": [
            {
                "name": argument.name,
                **without_empty({"description": argument.description, "value": argument.value}),
                "location": location(range(argument.lines[0], argument.lines[1] + 1)),
            }
            for argument in outline.arguments
        ],
        "secrets": [_need(need) for need in outline.secrets],
        "ssh": [_need(need) for need in outline.ssh],
        "sources": [base64.b64encode(text).decode()],
    }
    return to_result(without_empty(value), _VERSION, text=_outline_text(outline).encode())


def _need(need: Need) -> dict[str, Any]:
    fields = {"required": need.is_required} if need.is_required else {}
    lines = range(need.lines[0], need.lines[1] + 1)
    return {"name": need.name, **fields, "location": location(lines)}


def _outline_text(outline: Outline) -> str:
    parts = []
    if outline.name or outline.description:
        rows = [("TARGET:", outline.name or "(default)")]
        rows += [("DESCRIPTION:", outline.description)] if outline.description else []
        parts.append(align(rows, padding=1))
    if outline.arguments:
        titles = ("BUILD ARG", "VALUE", "DESCRIPTION")
        arguments = [
            (argument.name, argument.value, argument.description) for argument in outline.arguments
        ]
        parts.append(align([titles, *arguments], padding=3))
    for title, needs in (("SECRET", outline.secrets), ("SSH", outline.ssh)):
        if needs:
            rows = [(need.name, "true" if need.is_required else "") for need in needs]
            parts.append(align([(title, "REQUIRED"), *rows], padding=3))
    return "".join(f"{part}\n" for part in parts)


def convert_result(definition: Definition) -> Result:
    """Encode the LLB of a file."""
    return to_result(definition_json(definition), _CONVERT_VERSION)
