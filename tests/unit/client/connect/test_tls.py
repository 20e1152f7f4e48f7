"""The certificates of a connection are readable files, with a key for the client certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client.connect.tls import TLS
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


def test_certificates_are_found_in_a_folder(tmp_path: Path) -> None:
    ca, cert, key = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem"))
    for path in (ca, cert, key):
        path.write_text("x")
    tls = TLS.from_directory(tmp_path, server_name="name")
    assert tls == TLS(ca, cert, key, "name")
    assert TLS.from_directory(str(tmp_path), server_name="name") == tls


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text("x")
    for cert, key in ((path, None), (None, path)):
        with pytest.raises(InvalidValueError) as caught:
            TLS(cert=cert, key=key)
        assert caught.value.message == "a client certificate needs both cert and key"


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        TLS.from_directory(tmp_path)
    assert caught.value.message == f"cannot read {tmp_path}/ca.pem: No such file or directory"
