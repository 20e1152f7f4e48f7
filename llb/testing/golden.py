"""Goldens: what a build was when somebody last looked, as text that is checked in."""

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
"""The folder beside test files that has their goldens, in a folder for each."""

_TEXT, _BYTES = ".txt", ".llb"
_UPDATE = "--update-golden"
_NAME_LENGTH = 100
_NOT_IN_NAMES = re.compile(r"[^\w.,=+@-]+")
_DIGEST = "    digest: "


@define
class Goldens:
    """What happened to goldens in a run of tests: each with the test that used it."""

    update: bool
    used: dict[Path, str] = field(factory=dict)
    added: list[Path] = field(factory=list)
    changed: list[Path] = field(factory=list)

    def claim(self, path: Path, test: str) -> None:
        """Take a golden for a test. Raises AssertionError where another one has it."""
        other = self.used.setdefault(path, test)
        if other != test:
            raise AssertionError(
                f"the golden {path.name} is used by {other} and by {test}: give each a name"
            )

    def stale(self, module: Path) -> list[Path]:
        """Return the goldens of a test file that no test used; of one that uses none, none."""
        folder = module.parent / FOLDER / module.stem
        found = [path for path in sorted(folder.glob(f"*{_TEXT}")) if path not in self.used]
        return found if any(path.parent == folder for path in self.used) else []


class Golden:
    """The goldens of one test: call it with what is to be as it was."""

    def __init__(self, goldens: Goldens, module: Path, test: str, id: str) -> None:  # noqa: A002 - pytest's word
        self._goldens = goldens
        self._folder = module.parent / FOLDER / module.stem
        self._test = test
        self._id = id
        self._names: set[str] = set()

    def __call__(
        self, what: Build | str, name: str | None = None, *, platform: Platform | str = PLATFORM
    ) -> None:
        """Assert that a build, or any text, equals the golden of this test.

        A build is compared as :func:`llb.dump.text` shows it, without the lines of source
        files. A test that has several goldens gives them names. Raises AssertionError with
        the difference, and with what of the build would run anew.
        """
        __tracebackhide__ = True
        file_name = _file_name(self._test if name is None else f"{self._test}.{name}")
        path = self._folder / f"{file_name}{_TEXT}"
        if file_name in self._names:
            raise AssertionError(f"the golden {path.name} was used in this test: give it a name")
        self._names.add(file_name)
        self._goldens.claim(path, self._id)
        definition = None if isinstance(what, str) else to_definition(what, platform)
        text = what if isinstance(what, str) else dump.text(_plain(definition))
        old = path.read_bytes().decode() if path.exists() else None
        if self._goldens.update:
            self._write(path, old, text, definition)
        elif old is None:
            raise AssertionError(
                f"there is no golden {_shown(path)}; it would be\n{text}"
                f"run pytest with {_UPDATE} to write it"
            )
        elif old != text:
            raise AssertionError(_difference(path, old, text, definition))

    def _write(self, path: Path, old: str | None, text: str, definition: Definition | None) -> None:
        beside = path.with_suffix(_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        if old is None:
            self._goldens.added.append(path)
        elif old != text:
            self._goldens.changed.append(path)
        if old != text:
            path.write_bytes(text.encode())
        if definition is None:
            beside.unlink(missing_ok=True)
        else:
            _plain(definition).to_file(beside)


def remove(path: Path) -> None:
    """Remove a golden, and its folder where it was the last."""
    path.unlink()
    path.with_suffix(_BYTES).unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
        path.parent.parent.rmdir()


def _difference(path: Path, old: str, text: str, definition: Definition | None) -> str:
    told = [
        f"this is not what is in {_shown(path)}:",
        *difflib.unified_diff(*_lines(old, text), "golden", "this run", lineterm="", n=2),
    ]
    if definition is not None:
        told += _compared(path.with_suffix(_BYTES), old, definition)
    return "\n".join([*told, f"where that is meant, run pytest with {_UPDATE}"])


def _lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """Return the lines to compare: without digests, which change with all that comes before."""
    both = old.splitlines(), new.splitlines()
    first, second = ([line for line in each if not line.startswith(_DIGEST)] for each in both)
    return both if first == second else (first, second)


def _compared(path: Path, old: str, definition: Definition) -> list[str]:
    """Return what differs between builds, step by step."""
    try:
        before = Definition.from_file(path)
    except LLBError:
        return []
    if dump.text(before) != old:
        # It is not what the text is of, as after a merge by hand.
        return []
    return ["", *differences(compare(before, definition)).splitlines()]


def _plain(definition: Definition | None) -> Definition:
    return without_lines(definition or Definition())


def _file_name(text: str) -> str:
    name = _NOT_IN_NAMES.sub("-", text).strip("-.")
    if len(name) <= _NAME_LENGTH:
        return name
    return f"{name[:_NAME_LENGTH]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])
