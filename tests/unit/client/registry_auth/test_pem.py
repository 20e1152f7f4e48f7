"""Certificates and keys are files or bytes, and never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llb.client import TLS, AuthTLS
from llb.client.registry_auth import pem
from llb.client.registry_auth.pem import to_pem
from llb.errors import InvalidValueError

KEY = b"-----BEGIN PRIVATE KEY-----\nhidden\n-----END PRIVATE KEY-----\n"


def test_paths_and_bytes_are_told_apart() -> None:
    values = (None, Path("/a"), "/a", "ca.pem", KEY)
    assert [to_pem(value) for value in values] == [
        None,
        Path("/a"),
        Path("/a"),
        Path("ca.pem"),
        KEY,
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", "an empty str"), (3, "int"), ([KEY], "list"), (bytearray(KEY), "bytearray")],
)
def test_other_values_are_refused(value: Any, shown: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        TLS(value)
    assert caught.value.message == (
        f"invalid certificate or key: expected a path or bytes in PEM, not {shown}"
    )


@pytest.mark.parametrize("path", ["a\0b", "a\ud800"])
def test_a_path_that_no_file_can_have_is_refused(path: str) -> None:
    for value in (path, Path(path)):
        with pytest.raises(InvalidValueError) as caught:
            AuthTLS("host", value)
        assert caught.value.message == f"invalid path {path!r}: no file can have this name"


@pytest.mark.parametrize("value", [b"", b"ca.pem", b"\x30\x82"])
def test_bytes_that_are_not_pem_are_refused(value: bytes) -> None:
    with pytest.raises(InvalidValueError) as caught:
        TLS(value)
    assert str(caught.value) == (
        "invalid certificate or key: expected PEM "
        "(PEM begins with -----BEGIN; pass the path of a file as a str or Path)"
    )


def test_no_repr_contains_a_key() -> None:
    shown = repr(TLS(KEY, KEY, KEY)) + repr(AuthTLS("a", KEY, KEY, KEY))
    assert "hidden" not in shown
    assert f"key=<{len(KEY)} bytes>" in shown


def test_a_system_without_files_in_memory_uses_a_temporary_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr("os.memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pem._file(KEY) as path:
        assert path is not None
        assert Path(path).parent.parent == tmp_path
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700
        assert Path(path).read_bytes() == KEY
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_memory_is_gone_afterwards() -> None:
    with pem._file(KEY) as path:
        assert path is not None
        assert path.startswith("/proc/self/fd/")
        assert Path(path).read_bytes() == KEY
    assert not Path(path).exists()
