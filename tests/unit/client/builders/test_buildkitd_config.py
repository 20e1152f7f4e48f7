"""What a client learns from the configuration of a daemon that it starts."""

from __future__ import annotations

import pytest

from llb.client.builders.buildkitd_config import registry_access
from llb.client.connect.routes import RegistryAccess
from llb.client.registry_auth.auth_tls import AuthTLS
from llb.errors import InputError


def pem(text: str) -> bytes:
    return f"-----BEGIN {text}".encode()


CERTIFICATES = """
[registry.b]
ca = ["/etc/buildkit/certs/b/one.pem", "/etc/buildkit/certs/b/two.pem", "/other.pem"]
[[registry.b.keypair]]
key = "/etc/buildkit/certs/b/key.pem"
cert = "/etc/buildkit/certs/b/cert.pem"
"""


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("", RegistryAccess()),
        ("debug = true\n", RegistryAccess()),
        ("[registry]\na = 1\n", RegistryAccess()),
        ('registry = "x"\n', RegistryAccess()),
        ('[registry."a:5000"]\nhttp = true\n', RegistryAccess(("a:5000",))),
        (
            "[registry.b]\ninsecure = true\n",
            RegistryAccess(tls=(AuthTLS("b", insecure=True),)),
        ),
        (
            CERTIFICATES,
            RegistryAccess(
                tls=(AuthTLS("b", ca=pem("1") + b"\n" + pem("2"), cert=pem("c"), key=pem("k")),)
            ),
        ),
    ],
)
def test_the_configuration_tells_how_registries_are_reached(
    text: str, access: RegistryAccess
) -> None:
    names = {"one": "1", "two": "2", "key": "k", "cert": "c"}
    certificates = {f"certs/b/{name}.pem": pem(word) for name, word in names.items()}
    assert registry_access({"buildkitd.toml": text.encode(), **certificates}) == access


def test_a_daemon_without_a_configuration_has_the_defaults() -> None:
    assert registry_access({}) == RegistryAccess()


def test_a_configuration_that_is_not_toml_is_an_error() -> None:
    with pytest.raises(InputError, match=r"buildkitd\.toml is not TOML"):
        registry_access({"buildkitd.toml": b"["})
