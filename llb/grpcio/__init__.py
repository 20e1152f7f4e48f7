"""BuildKit's services for programs that use grpcio: stubs, servicers and messages.

This package needs the extra ``grpc``: ``pip install 'pyllb[grpc]'``. Each service has the two
modules that grpcio's compiler generates, messages in ``control_pb2`` and stubs in
``control_pb2_grpc``::

    import grpc
    from llb.grpcio import CHANNEL_OPTIONS, control_pb2, control_pb2_grpc

    with grpc.insecure_channel("localhost:1234", options=CHANNEL_OPTIONS) as channel:
        stub = control_pb2_grpc.ControlStub(channel)
        print(stub.Info(control_pb2.InfoRequest()).buildkitVersion.version)

A build needs more than its Solve call; ``llb.client.Client(channel=channel)`` is the whole client
over the same channel. :data:`CHANNEL_OPTIONS` are the limits that a channel to a daemon needs:
64 MiB for a message, because grpcio's 4 MiB are less than BuildKit may send, and 16 MiB for
metadata, because the details of an error contain source files.

- ``control_pb2``: the daemon's API; ``gateway_pb2``: its API for frontends; ``content_pb2``: blobs
- ``auth_pb2``, ``exporter_pb2``, ``filesync_pb2``, ``policysession_pb2``, ``secrets_pb2``,
  ``sshforward_pb2``, ``upload_pb2``: services that a client offers during a build
- ``caps_pb2``, ``fsutil_pb2``, ``ops_pb2``, ``policy_pb2``, ``worker_pb2``: messages in these
- ``grpc.health.v1`` is in grpcio-health-checking
"""

from llb._lazy import lazy_exports

try:
    import grpc as _grpc  # noqa: F401 - checks that the extra is installed
except ImportError as error:
    raise ImportError(
        "llb.grpcio needs grpcio: install it with pip install 'pyllb[grpc]'", name="grpc"
    ) from error

with lazy_exports(__name__):
    from llb._pb import auth_pb2 as auth_pb2
    from llb._pb import caps_pb2 as caps_pb2
    from llb._pb import content_pb2 as content_pb2
    from llb._pb import control_pb2 as control_pb2
    from llb._pb import exporter_pb2 as exporter_pb2
    from llb._pb import filesync_pb2 as filesync_pb2
    from llb._pb import fsutil_pb2 as fsutil_pb2
    from llb._pb import gateway_pb2 as gateway_pb2
    from llb._pb import ops_pb2 as ops_pb2
    from llb._pb import policy_pb2 as policy_pb2
    from llb._pb import policysession_pb2 as policysession_pb2
    from llb._pb import secrets_pb2 as secrets_pb2
    from llb._pb import sshforward_pb2 as sshforward_pb2
    from llb._pb import upload_pb2 as upload_pb2
    from llb._pb import worker_pb2 as worker_pb2
    from llb.grpcio import auth_pb2_grpc as auth_pb2_grpc
    from llb.grpcio import content_pb2_grpc as content_pb2_grpc
    from llb.grpcio import control_pb2_grpc as control_pb2_grpc
    from llb.grpcio import exporter_pb2_grpc as exporter_pb2_grpc
    from llb.grpcio import filesync_pb2_grpc as filesync_pb2_grpc
    from llb.grpcio import gateway_pb2_grpc as gateway_pb2_grpc
    from llb.grpcio import policysession_pb2_grpc as policysession_pb2_grpc
    from llb.grpcio import secrets_pb2_grpc as secrets_pb2_grpc
    from llb.grpcio import sshforward_pb2_grpc as sshforward_pb2_grpc
    from llb.grpcio import upload_pb2_grpc as upload_pb2_grpc
    from llb.grpcio.channel import CHANNEL_OPTIONS as CHANNEL_OPTIONS
