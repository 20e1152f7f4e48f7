"""Golden files: compare builds with dumps that are checked in."""

from __future__ import annotations

import difflib
import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import define, field

from llb import Definition, dump
from llb.compare import compare
from llb.compare import render as differences
from llb.errors import LLBError
from llb.testing.definitions import PLATFORM, Build, to_definition, without_lines

if TYPE_CHECKING:
    from pathlib import Path

    from llb import Platform

FOLDER = "golden"
"""The folder next to test files that holds their goldens, in a subfolder for each file."""

_TEXT, _BYTES = ".txt", ".llb"
_UPDATE = "--update-golden"
_NAME_LENGTH = 100
_NOT_IN_NAMES = re.compile(r"[^\w.,=+@-]+")
_DIGEST = "    digest: "


@define
class Goldens:
    """The goldens that a test run used, added and changed; ``used`` maps each to its test."""

    update: bool
    used: dict[Path, str] = field(factory=dict)
    added: list[Path] = field(factory=list)
    changed: list[Path] = field(factory=list)

    def claim(self, path: Path, test: str) -> None:
        """Reserve a golden for a test. Raises AssertionError if another test uses it."""
        owner = self.used.setdefault(path, test)
        if owner != test:
            raise AssertionError(
                f"the golden {path.name} is used by {owner} and by {test}: give each a name"
            )

    def stale(self, module: Path) -> list[Path]:
        """List the unused goldens of a test file; a file that used none has none."""
        folder = module.parent / FOLDER / module.stem
        unused = [path for path in sorted(folder.glob(f"*{_TEXT}")) if path not in self.used]
        return unused if any(path.parent == folder for path in self.used) else []


class Golden:
    """The golden files of one test: the fixture ``golden``.

    ``golden(state)`` compares a state, a definition or a string with the checked-in file of the
    test. A test with several files names the others: ``golden(state, "arm64")``. ``platform`` is
    that of steps without one, by default ``linux/amd64``. Raises AssertionError with the
    difference.
    """

    def __init__(self, goldens: Goldens, module: Path, test: str, id: str) -> None:  # noqa: A002 - pytest's word
        self._goldens = goldens
        self._folder = module.parent / FOLDER / module.stem
        self._test = test
        self._id = id
        self._names: set[str] = set()

    def __call__(
        self, what: Build | str, name: str | None = None, *, platform: Platform | str = PLATFORM
    ) -> None:
        """Assert that a build or a string equals the golden of this test.

        A build is compared by its :func:`llb.dump.text`, without source locations. A test
        with several goldens names them. Raises AssertionError with the difference and the
        steps that would run again.
        """
        __tracebackhide__ = True
        file_name = _file_name(self._test if name is None else f"{self._test}.{name}")
        path = self._folder / f"{file_name}{_TEXT}"
        if file_name in self._names:
            raise AssertionError(
                f"the golden {path.name} was already used in this test: give each a name"
            )
        self._names.add(file_name)
        self._goldens.claim(path, self._id)
        definition = None if isinstance(what, str) else to_definition(what, platform)
        text = what if isinstance(what, str) else dump.text(_plain(definition))
        old = path.read_bytes().decode() if path.exists() else None
        if self._goldens.update:
            self._write(path, old, text, definition)
        elif old is None:
            raise AssertionError(
                f"missing golden {_short_path(path)}; its content would be\n{text}"
                f"run pytest with {_UPDATE} to write it"
            )
        elif old != text:
            raise AssertionError(_difference(path, old, text, definition))

    def _write(self, path: Path, old: str | None, text: str, definition: Definition | None) -> None:
        binary_path = path.with_suffix(_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        if old is None:
            self._goldens.added.append(path)
        elif old != text:
            self._goldens.changed.append(path)
        if old != text:
            path.write_bytes(text.encode())
        if definition is None:
            binary_path.unlink(missing_ok=True)
        else:
            _plain(definition).to_file(binary_path)


def remove(path: Path) -> None:
    """Remove a golden, and its folder if it was the last one."""
    path.unlink()
    path.with_suffix(_BYTES).unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
        path.parent.parent.rmdir()


def _difference(path: Path, old: str, text: str, definition: Definition | None) -> str:
    message = [
        f"{_short_path(path)} does not match:",
        *difflib.unified_diff(*_lines(old, text), "golden", "this run", lineterm="", n=2),
    ]
    if definition is not None:
        message += _compare_builds(path.with_suffix(_BYTES), old, definition)
    return "\n".join([*message, f"if the change is intended, run pytest with {_UPDATE}"])


def _lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """Split into lines to compare; drop digests, which change with every earlier step."""
    both = old.splitlines(), new.splitlines()
    first, second = ([line for line in lines if not line.startswith(_DIGEST)] for lines in both)
    return both if first == second else (first, second)


def _compare_builds(path: Path, old: str, definition: Definition) -> list[str]:
    """Describe the differences between builds, step by step."""
    try:
        before = Definition.from_file(path)
    except LLBError:
        return []
    if dump.text(before) != old:
        # The two files do not belong together, as after a manual merge.
        return []
    return ["", *differences(compare(before, definition)).splitlines()]


def _plain(definition: Definition | None) -> Definition:
    return without_lines(definition or Definition())


def _file_name(text: str) -> str:
    name = _NOT_IN_NAMES.sub("-", text).strip("-.")
    if len(name) <= _NAME_LENGTH:
        return name
    return f"{name[:_NAME_LENGTH]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _short_path(path: Path) -> str:
    return "/".join(path.parts[-3:])
