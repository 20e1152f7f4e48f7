"""Certificates and keys in PEM, in files or in memory, for SSL contexts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llb._lazy import lazy_imports
from llb.errors import InputError, InvalidValueError

with lazy_imports(__name__):
    import ssl  # 5 ms
    import tempfile  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Iterator

PEM: TypeAlias = Path | bytes
"""A file in PEM, or its content."""

PEMValue: TypeAlias = "str | Path | bytes | None"
"""A file in PEM by its path, its content, or nothing."""

_MARK = b"-----BEGIN "


def to_pem(value: PEMValue) -> PEM | None:
    """Convert a path to a Path; bytes are content. Raises InvalidValueError for anything else."""
    if value is None:
        return value
    if isinstance(value, Path):
        return _check_encodable(value)
    if isinstance(value, bytes) and _MARK not in value:
        raise InvalidValueError(
            "invalid certificate or key: expected PEM",
            hint="PEM begins with -----BEGIN; pass the path of a file as a str or Path",
        )
    if isinstance(value, bytes):
        return value
    return _check_encodable(Path(_check_path(value)))


def _check_path(value: object) -> str:
    """Refuse everything but a str that is not empty; the error does not contain it."""
    if isinstance(value, str) and value:
        return value
    shown = "an empty str" if value == "" else type(value).__name__
    raise InvalidValueError(
        f"invalid certificate or key: expected a path or bytes in PEM, not {shown}"
    )


def _check_encodable(path: Path) -> Path:
    """Refuse a path that no file can have."""
    try:
        os.fsencode(path)
        if "\0" not in str(path):
            return path
    except ValueError:
        pass
    raise InvalidValueError(f"invalid path {str(path)!r}: no file can have this name")


def show(value: PEM | None) -> str:
    """Format a certificate or key for a ``repr``, without its content."""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else repr(value)


def name(value: PEM | None, what: str) -> str:
    """Name a certificate or key in an error: its file, or what it is."""
    return str(value) if isinstance(value, Path) else f"the {what}"


def check_readable(value: PEM | None) -> None:
    """Raise InputError for a file that cannot be read."""
    if not isinstance(value, Path):
        return
    try:
        value.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {value}: {error.strerror}") from error


def text(value: PEM | None) -> str | None:
    """Decode PEM in memory, for OpenSSL to refuse if it is invalid; None for a file."""
    return value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else None


def load_pair(context: ssl.SSLContext, cert: PEM, key: PEM | None) -> None:
    """Use a client certificate and its key; raises OSError for unusable ones."""
    with _file(cert) as cert_path, _file(key) as key_path:
        assert cert_path is not None
        # Without a password, OpenSSL would prompt for one on the terminal.
        context.load_cert_chain(cert_path, key_path, password="")


@contextmanager
def _file(value: PEM | None) -> Iterator[str | None]:
    """Name a file with the content, because OpenSSL reads client certificates only from files."""
    if not isinstance(value, bytes):
        yield None if value is None else str(value)
    elif hasattr(os, "memfd_create"):
        # A key in memory is never written to a disk.
        with os.fdopen(os.memfd_create("pem"), "wb") as file:
            file.write(value)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        # Windows opens no temporary file a second time. Only this user may enter the folder.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pem"
            path.write_bytes(value)
            yield str(path)


def client_context(authorities: PEM | None = None) -> ssl.SSLContext:
    """Create an SSL context that trusts the authorities, by default those of the system.

    As in Go, the certificate of an authority needs no key usage: Python 3.13 demands it unless it is
    told otherwise. Raises OSError.
    """
    file = authorities if isinstance(authorities, Path) else None
    context = ssl.create_default_context(cafile=file, cadata=text(authorities))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
