"""Convert a Dockerfile with both sides and describe the differences."""

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
# Go parses image names concurrently, and reads the dependencies of a stage in map order: any of
# several mistakes may be reported first.
_RACES = ("failed to parse stage name", "circular dependency detected")
# Go refuses RUN [] at the end of the conversion, after every other mistake.
_LATE = "invalid arguments ()"
_DIFF_LINES = 30


@frozen
class Comparison:
    """The result for a file.

    ``outcome`` is ``equal``, ``refused`` (by both, at the same line), or the kind of difference.
    ``detail`` shows it, ``same_text`` is whether both refuse in the same words, and
    ``same_warnings`` whether both have the same warnings.
    """

    outcome: str
    detail: str = ""
    same_text: bool = True
    same_warnings: bool = True

    @property
    def agrees(self) -> bool:
        """Whether both sides agree."""
        return self.outcome in ("equal", "refused")


def compare(data: bytes, go: Go, options: Mapping[str, Any] | None = None) -> Comparison:
    """Convert a file with both sides and compare."""
    request_options = dict(options or {})
    theirs = go.convert(data, request_options)
    try:
        ours = converted(data, request_options)
    except LLBError as error:
        return _compare_errors(error, theirs)
    except Exception as error:  # noqa: BLE001 - report a crash and continue with the other files
        return Comparison("crash", f"{type(error).__name__}: {error}")
    if not theirs["ok"]:
        return Comparison("accepted", f"Go: {theirs['error']} (line {theirs['line']})")
    return _compare_conversions(ours, theirs)


def converted(data: bytes, options: Mapping[str, Any]) -> Conversion:
    """Convert a file with this library, with the options of the recorder."""
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


def _compare_errors(error: LLBError, theirs: Mapping[str, Any]) -> Comparison:
    line = _line(error.span)
    words = error.docker_words if isinstance(error, DockerfileError) else error.message
    our_error = f"ours: {words} (line {line})"
    if theirs["ok"]:
        return Comparison("refused by us", our_error)
    detail = f"{our_error}\nGo:   {theirs['error']} (line {theirs['line']})"
    is_race = any(
        words.startswith(prefix) and theirs["error"].startswith(prefix) for prefix in _RACES
    )
    is_late = words.startswith(_LATE)
    if theirs["line"] and theirs["line"] != line and not is_race and not is_late:
        return Comparison("line", detail)
    return Comparison("refused", detail, same_text=theirs["error"] == words)


def _line(span: Span | None) -> int | None:
    return None if span is None else span.line


def _compare_conversions(ours: Conversion, theirs: Mapping[str, Any]) -> Comparison:
    our_definition = ours.definition
    their_definition = Definition.from_bytes(base64.b64decode(theirs["definition"] or ""))
    if our_definition.ops != their_definition.ops:
        return Comparison("ops", _first_difference(our_definition, their_definition))
    if numbered_groups(our_definition) != their_definition.metadata:
        return Comparison("metadata", _metadata_difference(our_definition, their_definition))
    if (
        our_definition.locations != their_definition.locations
        or our_definition.files != their_definition.files
    ):
        return Comparison(
            "locations", _difference(str(our_definition.locations), str(their_definition.locations))
        )
    # The order of the keys survives parsing and encoding.
    configs = [
        json.dumps(config, indent=1) for config in (json.loads(ours.image_config), theirs["config"])
    ]
    if configs[0] != configs[1]:
        return Comparison("config", _difference(*configs))
    their_warnings = [
        f"{w['rule']}: {w['message']}" + (f" (line {w['line']})" if w["line"] else "")
        for w in theirs["warnings"]
    ]
    same_warnings = sorted(their_warnings) == sorted(ours.warnings)
    return Comparison(
        "equal",
        "" if same_warnings else _difference("\n".join(ours.warnings), "\n".join(their_warnings)),
        same_warnings=same_warnings,
    )


def numbered_groups(definition: Definition) -> dict[str, OpMetadata]:
    """Replace the IDs of progress groups by numbers, because Go's are random."""
    metadata = dict(definition.metadata)
    names: dict[str, str] = {}
    for vertex in definition.vertices():
        group = metadata[vertex.digest].progress_group
        if group is not None:
            name = names.setdefault(group.id, f"group-{len(names) + 1}")
            numbered_group = evolve(group, id=name)
            metadata[vertex.digest] = evolve(metadata[vertex.digest], progress_group=numbered_group)
    return metadata


def _first_difference(ours: Definition, theirs: Definition) -> str:
    """Show the first pair of operations that differ."""
    for index, (our_vertex, their_vertex) in enumerate(
        zip(ours.vertices(), theirs.vertices(), strict=False)
    ):
        if our_vertex.encoded != their_vertex.encoded:
            return f"op {index}\n{_difference(str(our_vertex.op), str(their_vertex.op))}"
    return f"{len(ours.ops)} operations, not {len(theirs.ops)}"


def _metadata_difference(ours: Definition, theirs: Definition) -> str:
    for digest, our_metadata in numbered_groups(ours).items():
        their_metadata = theirs.metadata.get(digest)
        if our_metadata != their_metadata:
            return _difference(str(our_metadata), str(their_metadata))
    return "Go has more"


def _difference(ours: str, theirs: str) -> str:
    lines = difflib.unified_diff(
        _break_lines(theirs), _break_lines(ours), "Go", "ours", n=1, lineterm=""
    )
    return "\n".join(list(lines)[:_DIFF_LINES])


def _break_lines(value: str) -> list[str]:
    """Break a string into lines of few fields each."""
    return value.replace(", ", ",\n").splitlines()
