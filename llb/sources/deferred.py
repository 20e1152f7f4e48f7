"""A source that steps use before its options are known."""

from __future__ import annotations

from llb.ops import nodes as ops
from llb.state.state import State


class DeferredSource:
    """A placeholder for a source that is bound later; steps use its :attr:`state`."""

    def __init__(self) -> None:
        self.op = ops.LateSourceOp()
        self.state = State(ops.Output(self.op))

    @property
    def is_bound(self) -> bool:
        """Whether :meth:`bind` was called."""
        return self.op.is_bound

    def bind(self, source: State) -> None:
        """Replace the placeholder with ``source``. Raises InvalidValueError on a second call."""
        assert source.output is not None
        assert isinstance(source.output.op, ops.SourceOp)
        self.op.bind(source.output.op)
