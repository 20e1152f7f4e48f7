"""Paths, durations and sizes have two spellings."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from llb import InvalidValueError
from llb.arguments.conversions import to_path, to_seconds, to_size


class Entry(os.PathLike[str]):
    """A path that is no pathlib object."""

    def __init__(self, path: str | bytes) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path  # type: ignore[return-value]


@pytest.mark.parametrize(
    "path",
    ["etc/hosts", PurePosixPath("etc/hosts"), PureWindowsPath("etc\\hosts"), Entry("etc/hosts")],
)
def test_paths_become_strings(path: str | os.PathLike[str]) -> None:
    assert to_path(path) == "etc/hosts"


def test_a_path_of_bytes_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="invalid path b'a': expected a path of characters"):
        to_path(Entry(b"a"))


@pytest.mark.parametrize("duration", [90, 90.0, timedelta(minutes=1.5)])
def test_durations_become_seconds(duration: float | timedelta) -> None:
    assert to_seconds(duration) == 90


@pytest.mark.parametrize("value", [0, 5, "5", "5b", " 5 B "])
def test_a_size_is_in_bytes(value: object) -> None:
    assert to_size(value, "memory") == (0 if value == 0 else 5)


@pytest.mark.parametrize(("unit", "power"), [("k", 1), ("MB", 2), ("gib", 3), ("T", 4)])
def test_a_size_has_a_unit(unit: str, power: int) -> None:
    assert to_size(f"3{unit}", "memory") == 3 * 1024**power
    assert to_size(f"1.5{unit}", "memory") == int(1.5 * 1024**power)


@pytest.mark.parametrize("value", ["large", -1, True, None, "1.g"])
def test_an_invalid_size_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_size(value, "memory")
    assert caught.value.message == f"invalid memory {value!r}: expected a size such as 64m"
