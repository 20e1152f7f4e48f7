"""Write what a version of BuildKit or buildx changes for this project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from tests.conformance.bump import recordings, source_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.conformance.bump.modules import Module

ROOT = Path(__file__).parents[3]
FLAGS = ROOT / "docs" / "cli-flags.md"
NOTHING = "Nothing."

_ADDED = re.compile(r"\+ (\S+)")
_FLAG = re.compile(r"--[a-z][a-z0-9-]*")
# Rows of the tables of options in buildx's reference, and lines of options in buildctl's help.
_OPTION_LINE = re.compile(r"^(?:\| .*|\s+)(--[a-z][a-z0-9-]*)", re.MULTILINE)


@frozen
class Section:
    """One area of the report, and its changes, which are lines."""

    title: str
    lines: tuple[str, ...]

    def render(self) -> str:
        """Render the section as Markdown."""
        if not self.lines:
            return f"## {self.title}\n\n{NOTHING}\n"
        fence = "```diff"
        return "\n".join([f"## {self.title}", "", fence, *self.lines, "```", ""])


def source_sections(old: Module, new: Module) -> Iterator[Section]:
    """Compare the source of two versions of BuildKit."""
    keys = source_changes.keys
    changes = {
        "Protos": source_changes.protos(old, new),
        "Capabilities": _with_places(source_changes.capabilities(old, new)),
        "Keys of exporters and caches": _with_places(
            keys(old, new, source_changes.EXPORTERS_AND_CACHES)
        ),
        "Attributes of sources": _with_places(keys(old, new, source_changes.SOURCES)),
        "Frontend options": _with_places(keys(old, new, source_changes.FRONTEND_OPTIONS)),
        "Words of the Dockerfile language": _with_places(keys(old, new, source_changes.LANGUAGE)),
        "Dockerfile reference": source_changes.reference(old, new),
        "Options of buildctl": _flags([new.read("docs/reference/buildctl.md")]),
        "Changed files of the packages that we repeat": source_changes.changed_files(old, new),
    }
    for title, lines in changes.items():
        yield Section(title, tuple(lines))


def recording_sections(new: Module) -> Iterator[Section]:
    """Compare our recordings with the answers of a version of BuildKit."""
    modules = (new, new.requirement(source_changes.FSUTIL))
    for recording in recordings.RECORDINGS:
        lines = recordings.differences(recording, modules)
        yield Section(f"Recorded {recording.title} that differ", tuple(lines))


def buildx_sections(buildx: Module) -> Iterator[Section]:
    """Compare the options of a version of buildx with docs/cli-flags.md."""
    pages = [buildx.read(name) for name in buildx.files("docs/reference/*.md")]
    yield Section("Options of buildx", tuple(_flags(pages)))


def _flags(pages: Iterable[str]) -> Iterator[str]:
    """List the options in pages of a reference that our table does not have."""
    ours = set(_FLAG.findall(FLAGS.read_text()))
    theirs = {flag for page in pages for flag in _OPTION_LINE.findall(page)}
    yield from (f"+ {flag}  not in docs/cli-flags.md" for flag in sorted(theirs - ours))


def _with_places(changes: Iterable[str]) -> Iterator[str]:
    """Add to each new name where our source has it already."""
    # Names that others use, too, are those of the client.
    paths = sorted(
        (ROOT / "llb").rglob("*.py"), key=lambda path: ("client" not in path.parts, path)
    )
    sources = {path: path.read_text() for path in paths}
    for change in changes:
        match = _ADDED.match(change)
        if match is None:
            yield change
            continue
        quoted = re.compile(rf"""["'`]{re.escape(match[1])}["'`]""")
        path = next((path for path, text in sources.items() if quoted.search(text)), None)
        yield f"{change}  {path.relative_to(ROOT) if path else 'not in llb'}"
