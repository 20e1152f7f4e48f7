"""Targets: the functions of a build file that a client can build."""

from __future__ import annotations

import inspect
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from attrs import field, frozen

from llb.arguments.checked import checked
from llb.buildfile.build import Build
from llb.buildfile.current import current_calls
from llb.buildfile.parameters import Parameter, parameters_of
from llb.errors import InvalidValueError, did_you_mean
from llb.source_map import display_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.buildfile.current import Calls
    from llb.platforms import Platform
    from llb.state.state import State

    TargetValue: TypeAlias = "State | Mapping[Platform, State] | Mapping[str, State]"

REGISTRY = "__targets__"
"""The global in which a module lists the targets that it defines, in their order."""


@frozen(eq=False)
class Target:
    """A function that a client can build by ``name``.

    ``parameters`` are its build args and ``description`` the first line of its docstring; it
    starts on ``line`` of ``filename``. A call supplies missing arguments: the current build, and
    the build args of the client.
    """

    function: Callable[..., Any] = field(repr=False)
    name: str
    description: str
    parameters: tuple[Parameter, ...] = field(repr=False)
    is_default: bool
    filename: str = field(repr=False)
    line: int = field(repr=False)
    _takes_build: str | None = field(repr=False)

    @property
    def lines(self) -> range:
        """The lines of the function, its decorators included."""
        last, pending = self.line, [self.function.__code__]
        while pending:
            code = pending.pop()
            last = max([last, *(line for *_, line in code.co_lines() if line is not None)])
            pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        return range(self.line, last + 1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; raises its exceptions, and InvalidValueError.

        Within a build, a call without arguments runs once and is reused: otherwise a chain of
        stages would double the calls with every stage.
        """
        calls = current_calls()
        if calls is None or args or kwargs:
            return self._call_function(calls, *args, **kwargs)
        return calls.once(self, lambda: self._call_function(calls))

    def _call_function(self, calls: Calls[Target] | None, /, *args: Any, **kwargs: Any) -> Any:
        build = None if calls is None else calls.build
        bound = inspect.signature(self.function).bind_partial(*args, **kwargs)
        if self._takes_build is not None and build is not None:
            bound.arguments.setdefault(self._takes_build, build)
        if calls is not None and build is not None:
            calls.record(self)
            for parameter in self.parameters:
                if parameter.keyword not in bound.arguments:
                    bound.arguments[parameter.keyword] = build.argument(parameter)
        return self.function(*bound.args, **bound.kwargs)


@overload
def target(function: Callable[..., TargetValue], /) -> Target: ...


@overload
def target(
    *, name: str | None = None, default: bool = False
) -> Callable[[Callable[..., TargetValue]], Target]: ...


@checked
def target(
    function: Callable[..., TargetValue] | None = None,
    /,
    *,
    name: str | None = None,
    default: bool = False,
) -> Target | Callable[[Callable[..., TargetValue]], Target]:
    """Mark a function as a target of the build file.

    The function returns a state; or a state for each platform, which become an index; or a state
    for each name, whose files are exported to directories of these names. ``name`` is the name of
    the target, by default that of the function; the ``default`` target is built if the client
    names none. The parameter annotated with :class:`Build` receives the build; the others are
    build args, of the types str, int, float, bool, Enum, Literal, and any of them ``| None``.
    ``Annotated[str, "description"]`` describes a build arg, ``Annotated[str, BuildArg("class")]``
    gives it a name that no parameter can have, and the docstring describes the target.

    Raises InvalidValueError for a parameter that cannot be a build arg.
    """

    def decorate(function: Callable[..., TargetValue]) -> Target:
        if not isinstance(function, FunctionType):
            raise InvalidValueError(f"invalid function {function!r}: expected one made with def")
        takes_build, parameters = parameters_of(function, Build)
        new_target = Target(
            function,
            name or function.__name__,
            first_line(function.__doc__),
            tuple(parameters),
            default,
            display_name(function.__code__.co_filename),
            function.__code__.co_firstlineno,
            takes_build,
        )
        function.__globals__.setdefault(REGISTRY, []).append(new_target)
        return new_target

    return decorate if function is None else decorate(function)


def first_line(docstring: str | None) -> str:
    """Extract the first line of a docstring."""
    return inspect.cleandoc(docstring).partition("\n")[0] if docstring else ""


def folded(name: str) -> str:
    """Normalize a name for comparison: case and dashes do not matter."""
    return name.lower().replace("-", "_")


def find_target(targets: tuple[Target, ...], name: str | None) -> Target:
    """Find the target with a name, or the default target. Raises InvalidValueError."""
    if not targets:
        raise InvalidValueError(
            "the build file has no target", hint="mark a function that returns a State with @target"
        )
    names = ", ".join(target.name for target in targets)
    if name is not None:
        for target in targets:
            if folded(target.name) == folded(name):
                return target
        hint = did_you_mean(name, [target.name for target in targets])
        raise InvalidValueError(
            f"unknown target {name}", hint=hint or f"available targets: {names}"
        )
    marked = [target for target in targets if target.is_default]
    if not marked and len(targets) > 1:
        raise InvalidValueError(
            f"no default target among {names}",
            hint="mark one with @target(default=True), or name one for the build",
        )
    return marked[0] if marked else targets[0]
