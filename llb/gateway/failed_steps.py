"""A failed step as the daemon kept it: its operation, and the trees as it left them.

They arrive as a detail of the error (BuildKit's ``errdefs.Solve``), and are kept for as long as
the frontend runs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import field, frozen
from google.protobuf import json_format

from llb._pb import errdefs_pb2, ops_pb2
from llb.arguments.checked import checked
from llb.errors import InvalidValueError
from llb.gateway.containers import start_init, step_container
from llb.gateway.results import Ref
from llb.gateway.status import decode_details

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.errors import RemoteError
    from llb.gateway.connection import Gateway
    from llb.gateway.containers import Container

_SOLVE = "github.com/moby/buildkit/errdefs.Solve+json"


@frozen
class FailedStep:
    """A failed step: the trees that it took as inputs, and those that it left behind.

    ``outputs`` are those of its mounts, the root first, or one per file action; they are empty if a
    path of an input was missing. All of them can be mounted (:func:`llb.gateway.bind_ref`), and
    read only in a container.
    """

    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    _op: ops_pb2.Op = field(repr=False)

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments of the failed process; empty for any other step."""
        return tuple(self._op.exec.meta.args)

    @checked
    def container(self, gateway: Gateway, *, init: str | Sequence[str] | None = None) -> Container:
        """Start a container with the mounts of the failed process, to look around and try again.

        Processes in it inherit the variables, the working directory and the user of the failed
        process. For ``init`` and the errors raised see
        :meth:`llb.gateway.Gateway.new_container`. Raises InvalidValueError also if the step did not
        run a process.
        """
        mounts = self._op.exec.mounts
        if not mounts or len(mounts) != len(self.outputs):
            raise InvalidValueError(
                "the step that failed ran no process",
                hint="mount its trees in a new container: "
                "new_container(tree, mounts=[bind_ref(step.outputs[0], '/failed')])",
            )
        return start_init(step_container(gateway._bridge, self._op, self.outputs), init)


@checked
def failed_step(error: RemoteError) -> FailedStep | None:
    """Get the failed step from the error of a solve; None if the daemon did not report one."""
    solve = errdefs_pb2.Solve()
    for detail in decode_details(error):
        # The first detail of a kind is the one nearest to the cause.
        if detail.type_url == _SOLVE:
            with suppress(json_format.ParseError):
                json_format.Parse(detail.value, solve, ignore_unknown_fields=True)
            break
    if not solve.HasField("op"):
        return None
    return FailedStep(_refs(solve.inputIDs), _refs(solve.mountIDs), solve.op)


def _refs(ids: Iterable[str]) -> tuple[Ref, ...]:
    return tuple(map(Ref, ids))
