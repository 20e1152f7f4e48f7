"""A source that steps use before its options are known."""

from __future__ import annotations

from llb.ops import nodes as ops
from llb.state.state import State


class DeferredSource:
    """A source whose operation is bound late; steps take :attr:`state`."""

    def __init__(self) -> None:
        self.op = ops.LateSourceOp()
        self.state = State(ops.Output(self.op))

    @property
    def is_bound(self) -> bool:
        """Whether the operation is known."""
        return self.op.is_bound

    def bind(self, source: State) -> None:
        """Take over the operation of a source; once."""
        assert source.output is not None
        assert isinstance(source.output.op, ops.SourceOp)
        self.op.bind(source.output.op)
