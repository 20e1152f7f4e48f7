"""TLS to the token servers of registries: whom to trust there, and who we are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.key_values import check_known, flag, parse_attributes
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    import ssl

_WHAT = "registry-auth-tlscontext"
_EXAMPLE = "host=registry.example,ca=ca.pem"
_KEYS = ("host", "ca", "cert", "key", "insecure")


@frozen
class AuthTLS:
    """The certificates for the token server of the registry ``host``, as files in PEM.

    ``ca`` are authorities that are trusted besides those of the system, ``cert`` and ``key``
    the client's own, together. With ``insecure`` anybody is trusted. Raises InvalidValueError.
    """

    host: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.host:
            raise InvalidValueError(f"a {_WHAT} needs a host", hint=f"for example {_EXAMPLE}")
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client's certificate and its key belong together")
        if self.ca is None and self.cert is None and not self.insecure:
            raise InvalidValueError(
                f"a {_WHAT} needs a ca, a cert with its key, or insecure=true",
                hint=f"for example {_EXAMPLE}",
            )

    def context(self) -> ssl.SSLContext:
        """Return what connections are made with; raises InputError for files that are none."""
        # It takes 6 ms to import, and few builds bring certificates.
        import ssl  # noqa: PLC0415

        context = ssl.create_default_context()
        try:
            if self.ca is not None:
                context.load_verify_locations(self.ca)
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:
            # One of TLS has no number, and its text names no file.
            names = ", ".join(str(each) for each in (self.ca, self.cert, self.key) if each)
            reason = error.strerror or str(error)
            raise InputError(f"cannot use {names} for {self.host}: {reason}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_auth_tls(text: str) -> AuthTLS:
    """Return what ``host=…,ca=…,cert=…,key=…,insecure=…`` says, as buildctl reads it.

    Raises InvalidValueError.

    >>> parse_auth_tls("host=registry.example,insecure=true")
    AuthTLS(host='registry.example', ca=None, cert=None, key=None, insecure=True)
    """
    attrs = parse_attributes(text, _WHAT, _EXAMPLE)
    check_known(attrs, _KEYS, _WHAT)
    files = {key: Path(attrs[key]) for key in ("ca", "cert", "key") if attrs.get(key)}
    insecure = flag(attrs.get("insecure") or "false", "insecure")
    return AuthTLS(attrs.get("host", ""), **files, insecure=insecure)


def to_auth_tls(given: str | AuthTLS) -> AuthTLS:
    """Return it, parsing text. Raises InvalidValueError."""
    return parse_auth_tls(given) if isinstance(given, str) else given
