"""Parse ``.dockerignore`` files."""

from __future__ import annotations

from llb.arguments.checked import checked
from llb.dockerfile.errors import catalogue as errors
from llb.errors import InvalidValueError
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import check_glob


@checked
def parse_ignore(data: bytes, filename: str = ".dockerignore") -> tuple[str, ...]:
    """Parse an ignore file into cleaned patterns, relative to the context.

    Comments, which begin with ``#``, and empty lines are skipped; a leading ``!`` is kept.
    Raises DockerfileError for an invalid pattern.
    """
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    patterns = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        pattern = _clean_pattern(line.strip())
        try:
            check_glob(pattern.removeprefix("!"))
        except InvalidValueError as error:
            span = errors.Source(filename, data, text).span(number)
            raise errors.bad_ignore(span, error.message) from error
        if clean(pattern.strip()) == "!":
            raise errors.lone_exclusion(errors.Source(filename, data, text).span(number))
        patterns.append(pattern)
    return tuple(patterns)


def _clean_pattern(line: str) -> str:
    exclusion = line.startswith("!")
    pattern = line.removeprefix("!").strip() if exclusion else line
    if pattern:
        pattern = clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
    return "!" * exclusion + pattern
