"""Certificates for the token server of a registry."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from llb.client.registry_auth.auth_tls import AuthTLS, parse_auth_tls, to_auth_tls
from llb.errors import InputError, InvalidValueError


def test_certificates_are_parsed_as_by_buildctl() -> None:
    text = "host=registry.example,ca=/ca.pem,cert=/cert.pem,key=/key.pem"
    expected = AuthTLS("registry.example", Path("/ca.pem"), Path("/cert.pem"), Path("/key.pem"))
    assert parse_auth_tls(text) == expected
    assert (to_auth_tls(text), to_auth_tls(expected)) == (expected, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ca=/ca.pem", "a registry-auth-tlscontext needs a host"),
        ("host=a,cert=/c", "a client certificate needs both cert and key"),
        (
            "host=a",
            "a registry-auth-tlscontext needs a ca, a cert with its key, or insecure=true",
        ),
    ],
)
def test_missing_options_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_auth_tls(text)
    assert caught.value.message == message


def test_an_insecure_host_is_not_verified() -> None:
    context = parse_auth_tls("host=a,insecure=true").context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize("more", ["ca=/none/ca.pem", "cert=/none/cert.pem,key=/none/key.pem"])
def test_unusable_files_are_named(more: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_auth_tls(f"host=a,{more}").context()
    files = ", ".join(word.partition("=")[2] for word in more.split(","))
    assert caught.value.message == f"cannot use {files} for a: No such file or directory"
