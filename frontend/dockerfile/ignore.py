"""``.dockerignore``: the patterns in it."""

from __future__ import annotations

from llb.paths import clean


def parse_ignore(data: bytes) -> tuple[str, ...]:
    """Return the patterns of an ignore file, cleaned, relative to the context.

    Lines that begin with ``#`` and empty ones are left out; ``!`` stays in front.
    """
    patterns = []
    for line in data.decode("utf-8", errors="replace").removeprefix("\ufeff").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        exclusion = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip() if exclusion else pattern
        if pattern:
            pattern = clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
        patterns.append("!" * exclusion + pattern)
    return tuple(patterns)
