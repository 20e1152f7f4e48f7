"""TLS options for token servers are parsed, and their files are checked before the build."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from llb.client.registry_auth.auth_tls import AuthTLS, apply, parse_auth_tls
from llb.client.registry_auth.pem import client_context
from llb.client.session.providers.auth import Auth
from llb.errors import InputError, InvalidValueError


def test_tls_options_are_parsed_as_by_buildctl() -> None:
    value = "host=a:5000,ca=/ca,cert=/cert,KEY=/key,insecure=1"
    expected = AuthTLS("a:5000", Path("/ca"), Path("/cert"), Path("/key"), insecure=True)
    assert parse_auth_tls(value) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ca=/ca", "a registry-auth-tlscontext needs a host"),
        ("host=a", "a registry-auth-tlscontext needs a ca, a cert with its key, or insecure=true"),
        ("host=a,cert=/c", "a client certificate needs both cert and key"),
        ("host=a,insecure=x", "invalid insecure 'x': expected true or false"),
        ("host=a,cb=/c", "unknown attribute 'cb' of registry-auth-tlscontext"),
        ("host", "invalid registry-auth-tlscontext 'host': 'host' is not key=value"),
    ],
)
def test_invalid_tls_options_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_auth_tls(text)
    assert caught.value.message == message


def test_unusable_certificates_are_refused_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "none.pem").touch()
    with pytest.raises(InputError, match=r"^cannot use .*/none\.pem for a: "):
        Auth(tls=[AuthTLS("a", ca=tmp_path / "none.pem")])
    with pytest.raises(InputError, match=r"^cannot use /none for a: No such file or directory"):
        Auth(tls=[AuthTLS("a", ca=Path("/none"))])


def test_several_options_for_one_host_are_combined() -> None:
    context = client_context()
    assert apply(AuthTLS("a", insecure=True), context) is context
    assert context.verify_mode is ssl.CERT_NONE
