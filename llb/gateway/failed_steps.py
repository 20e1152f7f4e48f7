"""A step that failed, as the daemon kept it: what it ran, and the trees as it left them.

They come as a detail of the error (BuildKit's ``errdefs.Solve``), and are kept for as long as the
frontend runs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import field, frozen
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage

from llb._pb import errdefs_pb2, ops_pb2
from llb._pb import gateway_pb2 as pb
from llb.errors import InvalidValueError
from llb.gateway.containers import Container, new_id, opened
from llb.gateway.results import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.errors import RemoteError
    from llb.gateway.connection import Gateway

_SOLVE = "github.com/moby/buildkit/errdefs.Solve+json"


@frozen
class FailedStep:
    """A step that failed: the trees that it was given, and those that it had as it left them.

    The latter are those of its mounts, the root first, or of file actions one after the
    other; where a part of an input was missing there are none. All of them can be mounted
    (:func:`llb.gateway.bind_ref`), and read by way of a container alone.
    """

    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    _op: ops_pb2.Op = field(repr=False)

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments of the process that failed; nothing for any other step."""
        return tuple(self._op.exec.meta.args)

    def container(self, gateway: Gateway, *, init: str | Sequence[str] | None = None) -> Container:
        """Return a container with all that the process found, to look around and to try again.

        Processes in it have the variables, the working directory and the user of the one that
        failed, unless they are told others. ``init`` is as for
        :meth:`llb.gateway.Gateway.new_container`, which says too what is raised; and
        InvalidValueError is for a step that was no process.
        """
        mounts, meta = self._op.exec.mounts, self._op.exec.meta
        if not mounts or len(mounts) != len(self.outputs):
            raise InvalidValueError(
                "the step that failed ran no process",
                hint="mount its trees beside another: "
                "new_container(tree, mounts=[bind_ref(step.outputs[0], '/failed')])",
            )
        request = pb.NewContainerRequest(
            ContainerID=new_id(),
            Mounts=map(_mount, mounts, self.outputs),
            Network=self._op.exec.network,
            platform=self._op.platform,
            extraHosts=meta.extraHosts,
            hostname=meta.hostname,
        )
        common = pb.InitMessage(
            ContainerID=request.ContainerID,
            Meta=ops_pb2.Meta(env=meta.env, cwd=meta.cwd, user=meta.user),
            Security=self._op.exec.security,
            secretenv=self._op.exec.secretenv,
        )
        return opened(Container(gateway._bridge, request, common), init)


def failed_step(error: RemoteError) -> FailedStep | None:
    """Return the step with which a solve failed, None where the daemon says of none."""
    found = errdefs_pb2.Solve()
    for data in error.details:
        detail = AnyMessage.FromString(data)
        # The first detail of a kind is the one nearest to the cause.
        if detail.type_url == _SOLVE:
            with suppress(json_format.ParseError):
                json_format.Parse(detail.value, found, ignore_unknown_fields=True)
            break
    if not found.HasField("op"):
        return None
    return FailedStep(_refs(found.inputIDs), _refs(found.mountIDs), found.op)


def _refs(ids: Iterable[str]) -> tuple[Ref, ...]:
    return tuple(map(Ref, ids))


def _mount(mount: ops_pb2.Mount, ref: Ref) -> ops_pb2.Mount:
    """Return a mount of a step for a container, with the tree that was there."""
    kept = ops_pb2.Mount()
    kept.CopyFrom(mount)
    kept.resultID = ref.id
    return kept
