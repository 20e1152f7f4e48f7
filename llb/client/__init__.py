"""The client: send a build to any BuildKit, serve what it asks for, see what happens.

::

    from llb import Image, Scratch
    from llb.client import Client, local

    with Client() as client:
        client.solve(Image("alpine").run("date > /now"), exports=[local("out")])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llb.client.agents import AgentSpec
    from llb.client.auth_tls import AuthTLS
    from llb.client.caches import Cache, inline_cache, local_cache, registry_cache
    from llb.client.client import Client, wait_for_ready
    from llb.client.container import Container
    from llb.client.control import Info, Worker
    from llb.client.dockerfile import dockerfile_attrs
    from llb.client.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
    from llb.client.exporters import (
        Export,
        cache_only,
        docker,
        image,
        local,
        oci,
        parse_export,
        registry,
        tar,
    )
    from llb.client.history import Build, History
    from llb.client.image_options import Annotation
    from llb.client.policy import PolicySource
    from llb.client.results import Blob, SolveResult
    from llb.client.secrets import EnvSecret, Secret
    from llb.client.tls import TLS
    from llb.client.uploads import Upload
    from llb.client.usage import Usage

__all__ = [
    "TLS",
    "AgentSpec",
    "Annotation",
    "AuthTLS",
    "Blob",
    "Build",
    "Cache",
    "Client",
    "Container",
    "EnvSecret",
    "Event",
    "Export",
    "History",
    "Info",
    "PolicySource",
    "Secret",
    "SolveResult",
    "Upload",
    "Usage",
    "Vertex",
    "VertexLog",
    "VertexStatus",
    "VertexWarning",
    "Worker",
    "cache_only",
    "docker",
    "dockerfile_attrs",
    "image",
    "inline_cache",
    "local",
    "local_cache",
    "oci",
    "parse_export",
    "registry",
    "registry_cache",
    "tar",
    "wait_for_ready",
]

# A build uses some of them, and all take 6 ms more to import.
_LATER = {
    "AgentSpec": "agents",
    "Annotation": "image_options",
    "AuthTLS": "auth_tls",
    "Blob": "results",
    "Build": "history",
    "Cache": "caches",
    "Client": "client",
    "Container": "container",
    "EnvSecret": "secrets",
    "Event": "events",
    "Export": "exporters",
    "History": "history",
    "Info": "control",
    "PolicySource": "policy",
    "Secret": "secrets",
    "SolveResult": "results",
    "TLS": "tls",
    "Upload": "uploads",
    "Usage": "usage",
    "Vertex": "events",
    "VertexLog": "events",
    "VertexStatus": "events",
    "VertexWarning": "events",
    "Worker": "control",
    "cache_only": "exporters",
    "docker": "exporters",
    "dockerfile_attrs": "dockerfile",
    "image": "exporters",
    "inline_cache": "caches",
    "local": "exporters",
    "local_cache": "caches",
    "oci": "exporters",
    "parse_export": "exporters",
    "registry": "exporters",
    "registry_cache": "caches",
    "tar": "exporters",
    "wait_for_ready": "client",
}


if not TYPE_CHECKING:
    # Type checkers would take any name for one of the module.
    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
