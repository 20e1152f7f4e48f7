"""The options of commands that talk to registries: certificates, and hosts without TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import llb.client
from llb._lazy import lazy_imports
from llb.cli.connection_options import or_global
from llb.cli.sections import Section

with lazy_imports(__name__):
    from llb.client import imagetools  # 60 ms
    from llb.client.builders import buildkitd_config  # 2 ms

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
    _REGISTRIES.option(
        "--builder",
        metavar="NAME",
        callback=or_global,
        help="Builder whose configuration of registries to use: certificates, and hosts without TLS.",
    ),
)


def with_registry_options(function: F_) -> F_:
    """Add the options to a command, which receives ``registry_tls``, ``plain_http`` and ``builder``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def open_registries(
    registry_tls: tuple[str, ...], plain_http: tuple[str, ...], builder: str | None
) -> RegistryClient:
    """Open a client of registries with the values of the options.

    Raises its errors, and InputError for an unknown builder.
    """
    nodes = () if builder is None else llb.client.Builder.load(builder).nodes
    access = [buildkitd_config.registry_access(node.files) for node in nodes]
    return imagetools.RegistryClient(
        tls=(*registry_tls, *(options for one in access for options in one.tls)),
        plain_http=(*plain_http, *(host for one in access for host in one.plain_http)),
    )
