"""TLS options for the token servers of registries."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked_init
from llb.client.key_values import check_names, parse_attributes, parse_flag
from llb.client.registry_auth.pem import PEM, client_context, load_pair, name, show, text, to_pem
from llb.errors import InputError, InvalidValueError

with lazy_imports(__name__):
    import ssl  # 7 ms

_WHAT = "registry-auth-tlscontext"
_EXAMPLE = "host=registry.example,ca=ca.pem"
_KEYS = ("host", "ca", "cert", "key", "insecure")


@checked_init
@frozen
class AuthTLS:
    """TLS options for the token server of the registry ``host``.

    Certificates and keys are in PEM: paths of files, or their contents as bytes.

    ``ca`` are certificate authorities to trust in addition to the system's. ``cert`` and ``key``
    are the client certificate and its key, given together. ``insecure`` disables verification.
    Raises InvalidValueError.
    """

    host: str
    ca: PEM | None = field(default=None, converter=to_pem, repr=show)
    cert: PEM | None = field(default=None, converter=to_pem, repr=show)
    key: PEM | None = field(default=None, converter=to_pem, repr=show)
    insecure: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.host:
            raise InvalidValueError(f"a {_WHAT} needs a host", hint=f"for example {_EXAMPLE}")
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client certificate needs both cert and key")
        if self.ca is None and self.cert is None and not self.insecure:
            raise InvalidValueError(
                f"a {_WHAT} needs a ca, a cert with its key, or insecure=true",
                hint=f"for example {_EXAMPLE}",
            )

    def context(self) -> ssl.SSLContext:
        """Build the SSL context for connections; raises InputError for unusable files."""
        return apply(self, client_context())


def apply(options: AuthTLS, context: ssl.SSLContext) -> ssl.SSLContext:
    """Add options to an SSL context, and return it. Raises InputError for unusable files."""
    try:
        if options.ca is not None:
            file = options.ca if isinstance(options.ca, Path) else None
            context.load_verify_locations(file, cadata=text(options.ca))
        if options.cert is not None:
            load_pair(context, options.cert, options.key)
    except OSError as error:
        # OpenSSL's errors have no errno, and their messages do not name the file.
        values = {"ca": options.ca, "certificate": options.cert, "key": options.key}
        names = ", ".join(name(value, what) for what, value in values.items() if value)
        reason = error.strerror or str(error)
        raise InputError(f"cannot use {names} for {options.host}: {reason}") from error
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def parse_auth_tls(text: str) -> AuthTLS:
    """Parse ``host=…,ca=…,cert=…,key=…,insecure=…``, as buildctl does.

    Raises InvalidValueError.

    >>> parse_auth_tls("host=registry.example,insecure=true")
    AuthTLS(host='registry.example', ca=None, cert=None, key=None, insecure=True)
    """
    attrs = parse_attributes(text, _WHAT, _EXAMPLE)
    check_names(attrs, _KEYS, _WHAT)
    files = {key: Path(attrs[key]) for key in ("ca", "cert", "key") if attrs.get(key)}
    insecure = parse_flag(attrs.get("insecure") or "false", "insecure")
    return AuthTLS(attrs.get("host", ""), **files, insecure=insecure)


def to_auth_tls(value: str | AuthTLS) -> AuthTLS:
    """Parse a string as TLS options; pass an AuthTLS through. Raises InvalidValueError."""
    return parse_auth_tls(value) if isinstance(value, str) else value
