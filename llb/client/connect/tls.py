"""TLS certificates for the connection to a daemon."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from llb.arguments.checked import checked, checked_init
from llb.client.registry_auth.pem import PEM, check_readable, show, to_pem
from llb.errors import InvalidValueError

_NAMES = ("ca.pem", "cert.pem", "key.pem")


@checked_init
@frozen
class TLS:
    """The certificates of a connection in PEM: paths of files, or their contents as bytes.

    ``ca`` are the certificate authorities that the client trusts, by default the system's.
    ``cert`` and ``key`` are the client certificate and its key, given together. ``server_name``
    is the name in the daemon's certificate if it differs from the host in the address. Raises
    InputError for an unreadable file, and InvalidValueError for bytes that are not PEM.
    """

    ca: PEM | None = field(default=None, converter=to_pem, repr=show)
    cert: PEM | None = field(default=None, converter=to_pem, repr=show)
    key: PEM | None = field(default=None, converter=to_pem, repr=show)
    server_name: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client certificate needs both cert and key")
        for value in (self.ca, self.cert, self.key):
            check_readable(value)

    @classmethod
    @checked
    def from_directory(cls, folder: str | Path, *, server_name: str | None = None) -> TLS:
        """Use ``ca.pem``, ``cert.pem`` and ``key.pem`` of a folder."""
        ca, cert, key = (Path(folder) / name for name in _NAMES)
        return cls(ca, cert, key, server_name)
