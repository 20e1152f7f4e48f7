"""Targets: functions of a build file that a client may ask for."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from attrs import field, frozen

from llb.buildfile.build import Build
from llb.buildfile.current import current_calls
from llb.buildfile.parameters import Parameter, parameters_of
from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.buildfile.current import Calls
    from llb.platforms import Platform
    from llb.state.state import State

    Made: TypeAlias = "State | Mapping[Platform, State] | Mapping[str, State]"

REGISTRY = "__targets__"
"""Where a module keeps the targets that were made in it, in their order."""


@frozen(eq=False)
class Target:
    """A function that a client may ask for by ``name``.

    ``parameters`` are its build args and ``description`` the first line of its docstring; it
    begins on ``line`` of ``filename``. Called, it is the function with what the call leaves out:
    the build that is going on, and the build args that the client gave.
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
            pending += [each for each in code.co_consts if isinstance(each, CodeType)]
        return range(self.line, last + 1)

    def __call__(self, *args: Any, **given: Any) -> Any:
        """Return what the function makes; raises what it raises, and InvalidValueError.

        A call without arguments makes the same in one build, and is made once: stages that
        begin with each other would double the calls with every one.
        """
        calls = current_calls()
        if calls is None or args or given:
            return self._called(calls, *args, **given)
        return calls.once(self, lambda: self._called(calls))

    def _called(self, calls: Calls[Target] | None, /, *args: Any, **given: Any) -> Any:
        build = None if calls is None else calls.build
        bound = inspect.signature(self.function).bind_partial(*args, **given)
        if self._takes_build is not None and build is not None:
            bound.arguments.setdefault(self._takes_build, build)
        if calls is not None and build is not None:
            calls.note(self)
            for each in self.parameters:
                if each.name not in bound.arguments:
                    bound.arguments[each.name] = build.argument(each)
        return self.function(*bound.args, **bound.kwargs)


@overload
def target(function: Callable[..., Made], /) -> Target: ...


@overload
def target(
    *, name: str | None = None, default: bool = False
) -> Callable[[Callable[..., Made]], Target]: ...


def target(
    function: Callable[..., Made] | None = None,
    /,
    *,
    name: str | None = None,
    default: bool = False,
) -> Target | Callable[[Callable[..., Made]], Target]:
    """Mark a function as a target of the build file.

    It returns a state; or one for each platform, which make an index; or one for each name, whose
    files are exported to directories of these names. ``name`` is what clients ask for, by default
    the function's; the ``default`` is built where nothing is asked for. The parameter that is
    annotated with :class:`Build` is given the build; the others are build args, of the types str,
    int, float, bool, Enum, Literal, and any of them ``| None``. ``Annotated[str, "what it is"]``
    describes one, and the docstring the target.

    Raises InvalidValueError for a parameter that cannot be a build arg.
    """

    def make(function: Callable[..., Made]) -> Target:
        takes_build, parameters = parameters_of(function, Build)
        made = Target(
            function,
            name or function.__name__,
            first_line(function.__doc__),
            tuple(parameters),
            default,
            function.__code__.co_filename,
            function.__code__.co_firstlineno,
            takes_build,
        )
        function.__globals__.setdefault(REGISTRY, []).append(made)
        return made

    return make if function is None else make(function)


def first_line(text: str | None) -> str:
    """Return the first line of a docstring."""
    return inspect.cleandoc(text).partition("\n")[0] if text else ""


def folded(name: str) -> str:
    """Return a name as clients may write it: case and dashes do not count."""
    return name.lower().replace("-", "_")


def find_target(targets: tuple[Target, ...], name: str | None) -> Target:
    """Return the target of a name, or the default one. Raises InvalidValueError."""
    if not targets:
        raise InvalidValueError(
            "the build file has no target", hint="mark a function that returns a State with @target"
        )
    names = ", ".join(each.name for each in targets)
    if name is not None:
        for each in targets:
            if folded(each.name) == folded(name):
                return each
        hint = did_you_mean(name, [each.name for each in targets])
        raise InvalidValueError(f"there is no target {name}", hint=hint or f"there are {names}")
    marked = [each for each in targets if each.is_default]
    if not marked and len(targets) > 1:
        raise InvalidValueError(
            f"none of the targets is the default: {names}",
            hint="mark one with @target(default=True), or name one with --target",
        )
    return marked[0] if marked else targets[0]
