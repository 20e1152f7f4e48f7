"""TLS certificates for the connection to a daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.arguments.checked import checked, checked_init
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("ca.pem", "cert.pem", "key.pem")


@checked_init
@frozen
class TLS:
    """The certificates of a connection, as PEM files.

    ``ca`` are the certificate authorities that the client trusts, by default the system's.
    ``cert`` and ``key`` are the client certificate and its key, given together. ``server_name``
    is the name in the daemon's certificate if it differs from the host in the address. Raises
    InputError for an unreadable file.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client certificate needs both cert and key")
        for path in (self.ca, self.cert, self.key):
            _check_readable(path)

    @classmethod
    @checked
    def from_directory(cls, folder: Path, *, server_name: str | None = None) -> TLS:
        """Use ``ca.pem``, ``cert.pem`` and ``key.pem`` of a folder."""
        ca, cert, key = (folder / name for name in _NAMES)
        return cls(ca, cert, key, server_name)


def _check_readable(path: Path | None) -> None:
    try:
        if path is not None:
            path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
