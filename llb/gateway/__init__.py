"""Write frontends: the connection between a program and the daemon that started it.

:func:`serve` turns a function into a frontend. The function gets a
:class:`Request` and a :class:`Gateway` and returns a :class:`Result`.
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.errors import CancelledError as CancelledError
    from llb.errors import CapabilityError as CapabilityError
    from llb.errors import InvalidValueError as InvalidValueError
    from llb.errors import LLBError as LLBError
    from llb.errors import ProcessError as ProcessError
    from llb.errors import RemoteError as RemoteError
    from llb.errors import TransportError as TransportError
    from llb.gateway.bridge import Caps as Caps
    from llb.gateway.connection import Gateway as Gateway
    from llb.gateway.connection import SourceInfo as SourceInfo
    from llb.gateway.connection import is_not_found as is_not_found
    from llb.gateway.container_messages import RefMount as RefMount
    from llb.gateway.container_messages import bind_ref as bind_ref
    from llb.gateway.containers import Completed as Completed
    from llb.gateway.containers import Container as Container
    from llb.gateway.failed_steps import FailedStep as FailedStep
    from llb.gateway.failed_steps import failed_step as failed_step
    from llb.gateway.files import FileStat as FileStat
    from llb.gateway.processes import Process as Process
    from llb.gateway.request import Request as Request
    from llb.gateway.results import Attestation as Attestation
    from llb.gateway.results import PlatformImage as PlatformImage
    from llb.gateway.results import Ref as Ref
    from llb.gateway.results import Result as Result
    from llb.gateway.server import answer as answer
    from llb.gateway.server import is_served as is_served
    from llb.gateway.server import serve as serve
    from llb.gateway.sources import definition_json as definition_json
    from llb.gateway.sources import source_json as source_json
    from llb.gateway.status import unsupported_cap as unsupported_cap
    from llb.gateway.status import unsupported_request as unsupported_request
