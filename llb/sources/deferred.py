"""A source that steps use before its options are known."""

from __future__ import annotations

from attrs import fields

from llb.ops import nodes as ops
from llb.state.state import State


class DeferredSource:
    """A source whose operation is allocated first, and filled in before anything reads it.

    ``example`` is a source of the same kind. Steps take :attr:`state`.
    """

    def __init__(self, example: State) -> None:
        self.op: ops.Op = object.__new__(type(_op(example)))
        self.state = State(ops.Output(self.op))

    def fill(self, source: State) -> None:
        """Take over the operation of a source."""
        op = _op(source)
        for attribute in fields(type(op)):
            object.__setattr__(self.op, attribute.name, getattr(op, attribute.name))


def _op(source: State) -> ops.Op:
    assert source.output is not None
    return source.output.op
