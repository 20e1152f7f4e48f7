"""The build context: a local directory of the client, of which only what is used is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import fields

from llb import Local, State
from llb.paths import join

if TYPE_CHECKING:
    from frontend.dockerfile.options import ConvertOptions


class Context:
    """The state of the build context, which is complete once all uses are known.

    Steps refer to the context before it is known which paths the whole build uses. Its
    operation is therefore allocated first and filled in by :meth:`settle`, before
    anything reads it.
    """

    def __init__(self, options: ConvertOptions) -> None:
        self._options = options
        self._paths: set[str] = set()
        output = self._local().output
        assert output is not None
        self.state = State(type(output)(object.__new__(type(output.op))))

    def use(self, path: str) -> None:
        """Note that a step reads ``path`` of the context."""
        self._paths.add(join("/", path))

    def settle(self) -> None:
        """Fill the operation in, with the paths that are used."""
        paths = sorted(path.lstrip("/") for path in self._paths)
        complete = self._local(() if "/" in self._paths else tuple(paths)).output
        assert complete is not None
        assert self.state.output is not None
        for each in fields(type(complete.op)):
            object.__setattr__(self.state.output.op, each.name, getattr(complete.op, each.name))

    def _local(self, follow_paths: tuple[str, ...] = ()) -> State:
        options = self._options
        return Local(
            options.context_name,
            exclude=options.ignore,
            follow_paths=follow_paths,
            session_id=options.session_id,
            unique_id=options.unique_id,
            shared_key=options.shared_key,
            name="[internal] load build context",
            locations=(),
        )
