"""A Dockerfile converted by both sides, and in what they differ."""

from __future__ import annotations

import base64
import difflib
import json
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb import Definition, LLBError
from llb.dockerfile import DockerfileError, ImageTable, convert
from tests.conformance.dockerfile.go import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile import Conversion
    from llb.errors import Span
    from llb.ops.metadata import OpMetadata
    from tests.conformance.dockerfile.go import Go

UNIQUE = "unique"
IMAGES = ImageTable.from_json(TABLE)
# Go reads the names of images side by side, and what a stage needs in the order of a map: any of
# several mistakes may be the first.
_RACES = ("failed to parse stage name", "circular dependency detected")
# Go refuses RUN [] when all is converted, after every other mistake.
_LATE = "invalid arguments ()"
_DIFF_LINES = 30


@frozen
class Comparison:
    """How a file went.

    ``outcome`` is ``equal``, ``refused`` (by both, at the same line), or what differs.
    ``detail`` shows it, ``same_text`` is whether both refuse in the same words, and
    ``same_warnings`` whether both warn of the same.
    """

    outcome: str
    detail: str = ""
    same_text: bool = True
    same_warnings: bool = True

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to repair."""
        return self.outcome in ("equal", "refused")


def compare(data: bytes, go: Go, options: Mapping[str, Any] | None = None) -> Comparison:
    """Convert a file with both, and compare."""
    given = dict(options or {})
    theirs = go.convert(data, given)
    try:
        ours = converted(data, given)
    except LLBError as error:
        return _refused(error, theirs)
    except Exception as error:  # noqa: BLE001 - a bug in one file is reported, and the rest go on
        return Comparison("crash", f"{type(error).__name__}: {error}")
    if not theirs["ok"]:
        return Comparison("accepted", f"Go: {theirs['error']} (line {theirs['line']})")
    return _compared(ours, theirs)


def converted(data: bytes, options: Mapping[str, Any]) -> Conversion:
    """Return a file as we convert it, with the options that the recorder has."""
    return convert(
        data,
        resolver=IMAGES,
        build_platform="linux/amd64",
        platform=options.get("platform") or None,
        target=options.get("target"),
        build_args=options.get("build_args"),
        labels=options.get("labels"),
        local_unique_id=UNIQUE,
    )


def _refused(error: LLBError, theirs: Mapping[str, Any]) -> Comparison:
    line = _line(error.span)
    words = error.docker_words if isinstance(error, DockerfileError) else error.message
    said = f"ours: {words} (line {line})"
    if theirs["ok"]:
        return Comparison("refused by us", said)
    detail = f"{said}\nGo:   {theirs['error']} (line {theirs['line']})"
    is_race = any(words.startswith(each) and theirs["error"].startswith(each) for each in _RACES)
    is_late = words.startswith(_LATE)
    if theirs["line"] and theirs["line"] != line and not is_race and not is_late:
        return Comparison("line", detail)
    return Comparison("refused", detail, same_text=theirs["error"] == words)


def _line(span: Span | None) -> int | None:
    return None if span is None else span.line


def _compared(ours: Conversion, theirs: Mapping[str, Any]) -> Comparison:
    mine = ours.definition
    other = Definition.from_bytes(base64.b64decode(theirs["definition"] or ""))
    if mine.ops != other.ops:
        return Comparison("ops", _first_difference(mine, other))
    if numbered_groups(mine) != other.metadata:
        return Comparison("metadata", _metadata_difference(mine, other))
    if mine.locations != other.locations or mine.files != other.files:
        return Comparison("locations", _difference(str(mine.locations), str(other.locations)))
    # Read into dictionaries and written again, the order of the keys stays.
    configs = [
        json.dumps(each, indent=1) for each in (json.loads(ours.image_config), theirs["config"])
    ]
    if configs[0] != configs[1]:
        return Comparison("config", _difference(*configs))
    said = [
        f"{w['rule']}: {w['message']}" + (f" (line {w['line']})" if w["line"] else "")
        for w in theirs["warnings"]
    ]
    same = sorted(said) == sorted(ours.warnings)
    return Comparison(
        "equal",
        "" if same else _difference("\n".join(ours.warnings), "\n".join(said)),
        same_warnings=same,
    )


def numbered_groups(definition: Definition) -> dict[str, OpMetadata]:
    """Return the metadata with numbers as ids of groups, which are random in Go."""
    metadata = dict(definition.metadata)
    names: dict[str, str] = {}
    for vertex in definition.vertices():
        group = metadata[vertex.digest].progress_group
        if group is not None:
            name = names.setdefault(group.id, f"group-{len(names) + 1}")
            named = evolve(group, id=name)
            metadata[vertex.digest] = evolve(metadata[vertex.digest], progress_group=named)
    return metadata


def _first_difference(ours: Definition, theirs: Definition) -> str:
    """Return the first operations that differ, those of the same place beside each other."""
    for place, (mine, other) in enumerate(zip(ours.vertices(), theirs.vertices(), strict=False)):
        if mine.encoded != other.encoded:
            return f"op {place}\n{_difference(str(mine.op), str(other.op))}"
    return f"{len(ours.ops)} operations, not {len(theirs.ops)}"


def _metadata_difference(ours: Definition, theirs: Definition) -> str:
    for digest, mine in numbered_groups(ours).items():
        other = theirs.metadata.get(digest)
        if mine != other:
            return _difference(str(mine), str(other))
    return "Go has more"


def _difference(ours: str, theirs: str) -> str:
    lines = difflib.unified_diff(_broken(theirs), _broken(ours), "Go", "ours", n=1, lineterm="")
    return "\n".join(list(lines)[:_DIFF_LINES])


def _broken(text: str) -> list[str]:
    """Return a text in lines, of which none holds many fields."""
    return text.replace(", ", ",\n").splitlines()
