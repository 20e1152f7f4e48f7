"""What is built: a state, a definition, the result of a frontend, or that of a function."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Request, Result
    from llb.platforms import Platform


@frozen
class Subject:
    """The arguments of ``Client.start`` that say what is built. Raises InvalidValueError."""

    what: State | Definition | None = None
    frontend: str | None = None
    frontend_attrs: Mapping[str, str] = field(factory=dict)
    frontend_inputs: Mapping[str, State | Definition] = field(factory=dict)
    image_config: bytes | None = None
    platform: Platform | str | None = None
    function: Callable[[Request, Gateway], Result] | None = None

    def __attrs_post_init__(self) -> None:
        given = [value for value in (self.what, self.frontend, self.function) if value is not None]
        if len(given) != 1:
            raise InvalidValueError(
                "a build takes exactly one of: a state or a definition, a frontend, a function"
            )
        if self.frontend == "":
            raise InvalidValueError(
                "invalid frontend '': expected a name, for example dockerfile.v0"
            )
        if self.platform is not None and not isinstance(self.what, State):
            raise InvalidValueError(
                "a build takes a platform only with a state",
                hint="a definition has one in each step; for a frontend it is the attribute "
                "platform",
            )
        if self.function is not None:
            _check_function(self.function)


def _check_function(function: object) -> None:
    if inspect.iscoroutinefunction(function):
        raise InvalidValueError(
            f"invalid function {function!r}: expected one without async",
            hint="it runs on a thread, where the calls of its gateway may block",
        )
