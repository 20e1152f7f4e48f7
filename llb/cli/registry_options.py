"""The options of commands that talk to registries: certificates, and hosts without TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llb._lazy import lazy_imports
from llb.cli.sections import Section

with lazy_imports(__name__):
    from llb.client import imagetools  # 60 ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.imagetools import RegistryClient

F_ = TypeVar("F_", bound="Callable[..., Any]")

_REGISTRIES = Section("Registries")
_OPTIONS = (
    _REGISTRIES.repeatable(
        "--registry-auth-tlscontext",
        "registry_tls",
        metavar="TLS",
        help="TLS files for a registry and its token server: host=HOST,ca=FILE,cert=FILE,key=FILE.",
    ),
    _REGISTRIES.repeatable(
        "--plain-http", metavar="HOST", help="Registry without TLS, in addition to this machine."
    ),
)


def with_registry_options(function: F_) -> F_:
    """Add the options to a command, which receives ``registry_tls`` and ``plain_http``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def open_registries(registry_tls: tuple[str, ...], plain_http: tuple[str, ...]) -> RegistryClient:
    """Open a client of registries with the values of the options. Raises its errors."""
    return imagetools.RegistryClient(tls=registry_tls, plain_http=plain_http)
