"""BuildKit client: submit builds, serve their files, secrets and credentials, show progress.

::

    from llb import Image, Scratch
    from llb.client import Client, local

    with Client() as client:
        client.solve(Image("alpine").run("date > /now"), exports=[local("out")])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_names

if TYPE_CHECKING:
    from llb.client.caches import Cache, inline_cache, local_cache, registry_cache
    from llb.client.client import Client, wait_for_ready
    from llb.client.connect.control import Info, Worker
    from llb.client.connect.tls import TLS
    from llb.client.container import BuildKitContainer
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
    from llb.client.history import BuildRecord, History
    from llb.client.progress.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.results import Blob, SolveResult
    from llb.client.session.policy import PolicySource
    from llb.client.session.secrets import EnvSecret, Secret
    from llb.client.session.ssh_agent_spec import AgentSpec
    from llb.client.session.uploads import Upload
    from llb.client.usage import Usage
    from llb.errors import (
        CancelledError,
        CapabilityError,
        ConnectError,
        InputError,
        InvalidDefinitionError,
        InvalidValueError,
        LLBError,
        RemoteError,
        SolveError,
        TransportError,
    )

__all__ = [
    "TLS",
    "AgentSpec",
    "Annotation",
    "AuthTLS",
    "Blob",
    "BuildKitContainer",
    "BuildRecord",
    "Cache",
    "CancelledError",
    "CapabilityError",
    "Client",
    "ConnectError",
    "EnvSecret",
    "Event",
    "Export",
    "History",
    "Info",
    "InputError",
    "InvalidDefinitionError",
    "InvalidValueError",
    "LLBError",
    "PolicySource",
    "RemoteError",
    "Secret",
    "SolveError",
    "SolveResult",
    "TransportError",
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

if not TYPE_CHECKING:
    # Type checkers would take any name for one of the package.
    __getattr__ = lazy_names(
        __name__,
        # A build uses some of them, and all take 6 ms more to import.
        {
            "llb.client.caches": ("Cache", "inline_cache", "local_cache", "registry_cache"),
            "llb.client.client": ("Client", "wait_for_ready"),
            "llb.client.connect.control": ("Info", "Worker"),
            "llb.client.connect.tls": ("TLS",),
            "llb.client.container": ("BuildKitContainer",),
            "llb.client.dockerfile": ("dockerfile_attrs",),
            "llb.client.export.exporters": (
                "Export",
                "cache_only",
                "docker",
                "image",
                "local",
                "oci",
                "parse_export",
                "registry",
                "tar",
            ),
            "llb.client.export.image_options": ("Annotation",),
            "llb.client.history": ("BuildRecord", "History"),
            "llb.client.progress.events": (
                "Event",
                "Vertex",
                "VertexLog",
                "VertexStatus",
                "VertexWarning",
            ),
            "llb.client.registry_auth.auth_tls": ("AuthTLS",),
            "llb.client.results": ("Blob", "SolveResult"),
            "llb.client.session.policy": ("PolicySource",),
            "llb.client.session.secrets": ("EnvSecret", "Secret"),
            "llb.client.session.ssh_agent_spec": ("AgentSpec",),
            "llb.client.session.uploads": ("Upload",),
            "llb.client.usage": ("Usage",),
            "llb.errors": (
                "CancelledError",
                "CapabilityError",
                "ConnectError",
                "InputError",
                "InvalidDefinitionError",
                "InvalidValueError",
                "LLBError",
                "RemoteError",
                "SolveError",
                "TransportError",
            ),
        },
    )
