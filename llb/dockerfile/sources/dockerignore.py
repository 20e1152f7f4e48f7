"""``.dockerignore``: the patterns in it."""

from __future__ import annotations

from llb.dockerfile.errors import catalogue as errors
from llb.errors import InvalidValueError
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import check_glob


def parse_ignore(data: bytes, filename: str = ".dockerignore") -> tuple[str, ...]:
    """Return the patterns of an ignore file, cleaned, relative to the context.

    Lines that begin with ``#`` and empty ones are left out; ``!`` stays in front.
    Raises DockerfileError for a pattern that is none.
    """
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    patterns = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        pattern = _cleaned(line.strip())
        try:
            check_glob(pattern.removeprefix("!"))
        except InvalidValueError as error:
            span = errors.Source(filename, data, text).span(number)
            raise errors.bad_ignore(span, error.message) from error
        if clean(pattern.strip()) == "!":
            raise errors.lone_exclusion(errors.Source(filename, data, text).span(number))
        patterns.append(pattern)
    return tuple(patterns)


def _cleaned(line: str) -> str:
    exclusion = line.startswith("!")
    pattern = line.removeprefix("!").strip() if exclusion else line
    if pattern:
        pattern = clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
    return "!" * exclusion + pattern
