"""TLS to a daemon: whom to trust, and who we are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("ca.pem", "cert.pem", "key.pem")


@frozen
class TLS:
    """The certificates of a connection, as files in PEM.

    ``ca`` are the authorities that vouch for the daemon, by default those of the system.
    ``cert`` and ``key`` are the client's own, together. ``server_name`` is the name in the
    daemon's certificate, where it is not the host of the address. Raises InputError for a
    file that cannot be read.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client's certificate and its key belong together")
        for path in (self.ca, self.cert, self.key):
            _check(path)

    @classmethod
    def from_directory(cls, folder: Path, *, server_name: str | None = None) -> TLS:
        """Return the certificates of a folder with ``ca.pem``, ``cert.pem`` and ``key.pem``."""
        ca, cert, key = (folder / name for name in _NAMES)
        return cls(ca, cert, key, server_name)


def _check(path: Path | None) -> None:
    try:
        if path is not None:
            path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
