"""The client: send a build to any BuildKit, serve what it asks for, see what happens.

::

    from llb import Image, Scratch
    from llb.client import Client, local

    with Client() as client:
        client.solve(Image("alpine").run("date > /now"), exports=[local("out")])
"""

from llb.client.agents import AgentSpec
from llb.client.client import Client, SolveResult
from llb.client.control import Info, Worker
from llb.client.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.exporters import Export, image, local, oci, parse_export, tar
from llb.client.secrets import EnvSecret, Secret
from llb.client.tls import TLS
from llb.client.usage import Usage

__all__ = [
    "TLS",
    "AgentSpec",
    "Client",
    "EnvSecret",
    "Event",
    "Export",
    "Info",
    "Secret",
    "SolveResult",
    "Usage",
    "Vertex",
    "VertexLog",
    "VertexStatus",
    "VertexWarning",
    "Worker",
    "image",
    "local",
    "oci",
    "parse_export",
    "tar",
]
