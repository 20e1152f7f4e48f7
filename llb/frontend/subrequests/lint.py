"""Answer ``frontend.lint``: the warnings of the checks, and the build error, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from llb.dockerfile import DockerfileError
from llb.dockerfile.passes import convert_parsed, warnings_of
from llb.dockerfile.trace import Trail
from llb.errors import LLBError, TransportError
from llb.frontend.subrequests.result import location, to_result, without_empty
from llb.gateway import source_json

if TYPE_CHECKING:
    from llb.dockerfile import ConvertOptions
    from llb.dockerfile.check_rules import LintWarning
    from llb.frontend.dockerui.dockerfile import File
    from llb.gateway import Result
    from llb.source_map import SourceFile

_VERSION = "1.0.0"
_RULER = b"--------------------\n"
_CONTEXT = 4
_CONTEXT_OF_MANY = 2


def answer_lint(file: File, options: ConvertOptions) -> Result:
    """Lint a file; without a target all stages are checked."""
    options = evolve(options, all_stages=options.target is None)
    warnings, error = _check(file, options)
    return lint_result(warnings, error, file.source(options))


def lint_result(
    warnings: tuple[LintWarning, ...], error: LLBError | None, source: SourceFile
) -> Result:
    """Build the answer from warnings about a file, and its build error, if any."""
    value: dict[str, Any] = {
        "warnings": [_warning(warning) for warning in warnings] or None,
        "sources": [source_json(source)],
    }
    if error is not None:
        value["buildError"] = _error(error)
    status = 1 if warnings or error is not None else 0
    return to_result(value, _VERSION, text=_format_warnings(warnings, source), status=status)


def _check(file: File, options: ConvertOptions) -> tuple[tuple[LintWarning, ...], LLBError | None]:
    trail = Trail()
    parsed = None
    try:
        parsed = file.parse(options)
        return convert_parsed(parsed, options, file.resolve, trail).warnings, None
    except TransportError:
        raise
    except LLBError as error:
        return () if parsed is None else warnings_of(parsed, options, trail), error


def _warning(warning: LintWarning) -> dict[str, Any]:
    rule = warning.rule
    fields = {
        "ruleName": rule.name,
        "description": rule.description,
        "url": rule.url,
        "detail": warning.message,
    }
    return {**without_empty(fields), "location": location(warning.each_line)}


def _error(error: LLBError) -> dict[str, Any]:
    message = error.docker_words if isinstance(error, DockerfileError) else error.message
    span = error.span
    lines = range(0) if span is None else range(span.line, (span.end_line or span.line) + 1)
    return {"message": message, "location": location(lines)}


def _format_warnings(warnings: tuple[LintWarning, ...], source: SourceFile) -> bytes:
    """Format the warnings for people, by their lines; those without a line come first."""
    ordered = sorted(
        warnings,
        key=lambda warning: (
            (0, warning.rule.name) if warning.lines is None else (warning.lines[0], "")
        ),
    )
    return b"".join(
        part for warning in ordered for part in (_headline(warning), _excerpt(warning, source))
    )


def _headline(warning: LintWarning) -> bytes:
    rule = warning.rule
    page = f" - {rule.url}" if rule.url else ""
    return f"\nWARNING: {rule.name}{page}\n{warning.message}\n".encode()


def _excerpt(warning: LintWarning, source: SourceFile) -> bytes:
    """Format the lines of a warning with their context, as BuildKit prints sources."""
    lines = source.data.split(b"\n")
    marked = warning.each_line
    if not marked or marked[0] > len(lines):
        return b""
    parts = [f"{source.filename}:{marked[0]}\n".encode(), _RULER]
    for number in _excerpt_range(marked, len(lines)):
        mark = ">>>" if number in marked else "   "
        parts += [f" {number:3} | {mark} ".encode(), lines[number - 1], b"\n"]
    return b"".join((*parts, _RULER))


def _excerpt_range(marked: range, total: int) -> range:
    """Extend the marked lines by the lines around them: more around a single one."""
    first, last = marked[0], min(marked[-1], total)
    left = _CONTEXT if first == last else _CONTEXT_OF_MANY
    while left > 0:
        # Each line counts, and so does each iteration.
        left -= 1
        if first > 1:
            first -= 1
            left -= 1
        if last < total:
            last += 1
            left -= 1
    return range(first, last + 1)
