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
    from llb.client.caches import Cache, inline_cache, local_cache, registry_cache
    from llb.client.client import Client, wait_for_ready
    from llb.client.connect.control import Info, Worker
    from llb.client.connect.tls import TLS
    from llb.client.container import Container
    from llb.client.dockerfile import dockerfile_attrs
    from llb.client.export.exporters import (
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
    from llb.client.export.image_options import Annotation
    from llb.client.history import Build, History
    from llb.client.progress.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.results import Blob, SolveResult
    from llb.client.session.policy import PolicySource
    from llb.client.session.secrets import EnvSecret, Secret
    from llb.client.session.ssh_agent_spec import AgentSpec
    from llb.client.session.uploads import Upload
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
    "AgentSpec": "session.ssh_agent_spec",
    "Annotation": "export.image_options",
    "AuthTLS": "registry_auth.auth_tls",
    "Blob": "results",
    "Build": "history",
    "Cache": "caches",
    "Client": "client",
    "Container": "container",
    "EnvSecret": "session.secrets",
    "Event": "progress.events",
    "Export": "export.exporters",
    "History": "history",
    "Info": "connect.control",
    "PolicySource": "session.policy",
    "Secret": "session.secrets",
    "SolveResult": "results",
    "TLS": "connect.tls",
    "Upload": "session.uploads",
    "Usage": "usage",
    "Vertex": "progress.events",
    "VertexLog": "progress.events",
    "VertexStatus": "progress.events",
    "VertexWarning": "progress.events",
    "Worker": "connect.control",
    "cache_only": "export.exporters",
    "docker": "export.exporters",
    "dockerfile_attrs": "dockerfile",
    "image": "export.exporters",
    "inline_cache": "caches",
    "local": "export.exporters",
    "local_cache": "caches",
    "oci": "export.exporters",
    "parse_export": "export.exporters",
    "registry": "export.exporters",
    "registry_cache": "caches",
    "tar": "export.exporters",
    "wait_for_ready": "client",
}


if not TYPE_CHECKING:
    # Type checkers would take any name for one of the module.
    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
