"""BuildKit client: submit builds, serve their files, secrets and credentials, show progress.

::

    from llb.client import build_image

    image = build_image(".", tags="localhost:5000/app", push=True)
    print(image.digest)
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.client.aio.async_build_handle import AsyncBuildHandle as AsyncBuildHandle
    from llb.client.aio.async_client import AsyncClient as AsyncClient
    from llb.client.aio.async_history import AsyncHistory as AsyncHistory
    from llb.client.builders.builder import Builder as Builder
    from llb.client.builders.builder import NodeReport as NodeReport
    from llb.client.builders.instance import BuilderNode as BuilderNode
    from llb.client.builders.node_options import NodeOptions as NodeOptions
    from llb.client.builds.build_handle import BuildHandle as BuildHandle
    from llb.client.caches import Cache as Cache
    from llb.client.caches import inline_cache as inline_cache
    from llb.client.caches import local_cache as local_cache
    from llb.client.caches import registry_cache as registry_cache
    from llb.client.client import Client as Client
    from llb.client.client import build_image as build_image
    from llb.client.client import wait_for_ready as wait_for_ready
    from llb.client.connect.control import Info as Info
    from llb.client.connect.control import Worker as Worker
    from llb.client.connect.sockets import Dialer as Dialer
    from llb.client.connect.tls import TLS as TLS
    from llb.client.container import BuildKitContainer as BuildKitContainer
    from llb.client.export.exporters import Export as Export
    from llb.client.export.exporters import cache_only as cache_only
    from llb.client.export.exporters import docker as docker
    from llb.client.export.exporters import image as image
    from llb.client.export.exporters import local as local
    from llb.client.export.exporters import oci as oci
    from llb.client.export.exporters import parse_export as parse_export
    from llb.client.export.exporters import registry as registry
    from llb.client.export.exporters import tar as tar
    from llb.client.export.image_options import Annotation as Annotation
    from llb.client.export.image_options import ImageOptions as ImageOptions
    from llb.client.history import BuildRecord as BuildRecord
    from llb.client.history import History as History
    from llb.client.image_build.dockerfile import DockerfileOptions as DockerfileOptions
    from llb.client.image_build.dockerfile import dockerfile_attrs as dockerfile_attrs
    from llb.client.image_build.options import BuildContext as BuildContext
    from llb.client.image_build.options import ImageBuildOptions as ImageBuildOptions
    from llb.client.image_build.options import NamedContext as NamedContext
    from llb.client.image_build.result import ImageResult as ImageResult
    from llb.client.options import BuildOptions as BuildOptions
    from llb.client.progress.events import Event as Event
    from llb.client.progress.events import Vertex as Vertex
    from llb.client.progress.events import VertexLog as VertexLog
    from llb.client.progress.events import VertexStatus as VertexStatus
    from llb.client.progress.events import VertexWarning as VertexWarning
    from llb.client.records.attachments import Attachment as Attachment
    from llb.client.registry_auth.auth_tls import AuthTLS as AuthTLS
    from llb.client.registry_auth.credentials import Credential as Credential
    from llb.client.registry_auth.credentials import Credentials as Credentials
    from llb.client.registry_auth.credentials import IdentityToken as IdentityToken
    from llb.client.registry_auth.credentials import RegistryToken as RegistryToken
    from llb.client.results import Blob as Blob
    from llb.client.results import SolveResult as SolveResult
    from llb.client.session.policy import PolicySource as PolicySource
    from llb.client.session.secrets import EnvSecret as EnvSecret
    from llb.client.session.secrets import Secret as Secret
    from llb.client.session.ssh_agent_spec import AgentSpec as AgentSpec
    from llb.client.session.uploads import Upload as Upload
    from llb.client.usage import Usage as Usage
    from llb.errors import CancelledError as CancelledError
    from llb.errors import CapabilityError as CapabilityError
    from llb.errors import ConfigurationWarning as ConfigurationWarning
    from llb.errors import ConnectError as ConnectError
    from llb.errors import InputError as InputError
    from llb.errors import InvalidDefinitionError as InvalidDefinitionError
    from llb.errors import InvalidValueError as InvalidValueError
    from llb.errors import LLBError as LLBError
    from llb.errors import MissingFileError as MissingFileError
    from llb.errors import ProcessError as ProcessError
    from llb.errors import RemoteError as RemoteError
    from llb.errors import SolveError as SolveError
    from llb.errors import TransportError as TransportError
    from llb.errors import UnknownKeyWarning as UnknownKeyWarning
    from llb.gateway.containers import Completed as Completed
    from llb.gateway.files import FileStat as FileStat
