"""Requests other than builds: what a Dockerfile offers, what its checks say, what it converts to.

A client names one in the option ``requestid``, and takes the answer from the metadata of the
result (BuildKit ``frontend/subrequests``): ``result.json``, ``result.txt`` for people,
``version``, and ``result.statuscode`` of one that a script may judge by.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from attrs import evolve

from frontend.answers import given, location, to_result
from frontend.columns import align
from frontend.dockerfile.lint.settings import parse_settings
from frontend.dockerfile.outline import outline
from frontend.dockerfile.targets import list_targets
from frontend.dockerfile.trail import Trail
from frontend.lintresult import answer_lint
from llb.gateway import definition_json, unsupported_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from frontend.dockerfile import ConvertOptions
    from frontend.dockerfile.outline import Need, Outline
    from frontend.dockerfile.targets import Target
    from frontend.reporting import File
    from llb.gateway import Result

_VERSION = "1.0.0"
_CONVERT_VERSION = "0.1.0"
_DESCRIBE = "frontend.subrequests.describe"
_OUTLINE = "frontend.outline"
_TARGETS = "frontend.targets"
# Name, description and options; Docker's frontend describes these three alone.
_DESCRIBED: tuple[tuple[str, str, list[dict[str, str]] | None], ...] = (
    (
        _OUTLINE,
        "List all parameters current build target supports",
        [{"name": "target", "description": "Target build stage"}],
    ),
    (_TARGETS, "List all targets current build supports", []),
    (_DESCRIBE, "List available subrequest types", None),
)


def answer(name: str, file: File, options: ConvertOptions) -> Result:
    """Return the answer to a request. Raises LLBError, for a name that is not known too."""
    # Docker's frontend reads this one before it looks at the request.
    parse_settings("", options.build_args)
    found = _ANSWERS.get(name)
    if found is None:
        raise unsupported_request(name)
    # Docker's frontend answers for its own platform, whatever the build is asked for.
    return found(file, evolve(options, platform=options.build_platform, explicit_platform=False))


def _describe(file: File, options: ConvertOptions) -> Result:  # noqa: ARG001
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


def _targets(file: File, options: ConvertOptions) -> Result:
    targets = list_targets(file.parse(options))
    value = {
        "targets": [_target(each) for each in targets] or None,
        "sources": [base64.b64encode(file.text).decode()],
    }
    rows = [(_target_name(each), each.description) for each in targets]
    text = align([("TARGET", "DESCRIPTION"), *rows], padding=1)
    return to_result(value, _VERSION, text=text.encode())


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


def _outline(file: File, options: ConvertOptions) -> Result:
    trail = Trail()
    parsed = file.parse(options)
    file.convert(parsed, options, trail)
    found = outline(parsed, options, trail)
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
        "sources": [base64.b64encode(file.text).decode()],
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


def _convert(file: File, options: ConvertOptions) -> Result:
    converted = file.convert(file.parse(options), options)
    definition = converted.state.marshal(platform=options.platform, caps=file.gateway.caps.llb)
    return to_result(definition_json(definition), _CONVERT_VERSION)


_ANSWERS: Mapping[str, Callable[[File, ConvertOptions], Result]] = {
    _DESCRIBE: _describe,
    _OUTLINE: _outline,
    _TARGETS: _targets,
    "frontend.convertllb": _convert,
    "frontend.lint": answer_lint,
}
