"""The client: send a build to any BuildKit, serve what it asks for, see what happens.

::

    from llb import Image, Scratch
    from llb.client import Client, local

    with Client() as client:
        client.solve(Image("alpine").run("date > /now"), exports=[local("out")])
"""

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
