"""The decorator of public functions: wrong arguments are refused before the function runs.

The checks are the annotations, so no function states its types twice. Only the arguments of a call
are checked, not the defaults, and an argument of a trusted class costs one look into a set. The
annotations of a function are read at its first call.
"""

from __future__ import annotations

import re
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from llb.arguments.annotations import kind_of
from llb.arguments.kinds import INSPECTED, Anything, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.arguments.kinds import Kind

F_ = TypeVar("F_", bound="Callable[..., Any]")
C_ = TypeVar("C_", bound=type)

# Flags of code objects, as in the module ``inspect``.
_REST, _NAMED_REST, _COROUTINE = 0x04, 0x08, 0x80
_STR = re.compile(r"\bstr\b")
# More arguments of a ``*rest`` than these are checked on the slow path.
_FAST_REST = 4
_NONE: frozenset[type] = frozenset()


@overload
def checked(function: F_, /) -> F_: ...


@overload
def checked(*, options: type) -> Callable[[F_], F_]: ...


def checked(function: F_ | None = None, /, *, options: type | None = None) -> Any:
    """Check the arguments of each call against the annotations of ``function``.

    ``options`` is the TypedDict of its ``**options``. The function receives sequences as tuples. A
    wrong argument raises InvalidValueError with the name of the parameter; missing and unknown
    arguments raise TypeError, as everywhere in Python. A coroutine function raises
    them when it is awaited.
    """
    if function is None:
        return lambda function: _wrapper(function, options)
    return _wrapper(function, options)


def checked_init(kind: C_) -> C_:
    """Check the arguments of the constructor of a class."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[misc]
    return kind


def checked_raw_init(kind: C_) -> C_:
    """Check the arguments of a constructor whose strings may contain NUL (:data:`RawText`)."""
    kind.__init__ = _wrapper(kind.__init__, None, is_raw=True)  # type: ignore[misc]
    return kind


def checked_methods(*, apart_from: tuple[str, ...] = ()) -> Callable[[C_], C_]:
    """Check the arguments of all public methods of a class."""

    def check(kind: C_) -> C_:
        for name, member in tuple(vars(kind).items()):
            if (
                isinstance(member, FunctionType)
                and not name.startswith("_")
                and name not in apart_from
            ):
                setattr(kind, name, _wrapper(member, _options_of(member)))
        return kind

    return check


def _options_of(function: Callable[..., Any]) -> type | None:
    """Find the TypedDict of ``**options: Unpack[…]`` in the module of a function."""
    code = function.__code__
    if not code.co_flags & _NAMED_REST:
        return None
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _REST)
    name = function.__annotations__[code.co_varnames[count]]
    return function.__globals__.get(name.removeprefix("Unpack[").removesuffix("]"))


def _wrapper(
    function: Callable[..., Any], options: type | None, *, is_raw: bool = False
) -> Callable[..., Any]:
    parameters: Parameters | None = None

    # This runs for every call: the test for strings is that of is_plain, without calling it.
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal parameters
        if parameters is None:
            parameters = Parameters(function, options, is_raw=is_raw)
        if len(args) > parameters.most:
            args = parameters.accept(args)
        else:
            for trusted, value in zip(parameters.trusted, args):  # noqa: B905 - fewer are given
                kind = type(value)
                if kind not in trusted or (
                    kind in INSPECTED
                    and not (
                        value.isascii() and "\0" not in value if kind is str else is_plain(value)
                    )
                ):
                    args = parameters.accept(args)
                    break
        if kwargs:
            named = parameters.trusted_by_name
            for name, value in kwargs.items():
                kind = type(value)
                if kind not in named.get(name, _NONE) or (
                    kind in INSPECTED
                    and not (
                        value.isascii() and "\0" not in value if kind is str else is_plain(value)
                    )
                ):
                    # The keys stay the same, so the iteration may go on.
                    kwargs[name] = parameters.accept_named(name, value)
        return function(*args, **kwargs)

    return _like(function, call)


def _like(function: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """Make a coroutine function of ``call`` if ``function`` is one."""
    if not function.__code__.co_flags & _COROUTINE:
        return call

    @wraps(call)
    async def call_later(*args: Any, **kwargs: Any) -> Any:
        return await call(*args, **kwargs)

    return call_later


class Parameters:
    """The parameters of a function, each with the kind of its arguments.

    ``trusted`` holds the trusted classes by position, ``trusted_by_name`` by name. Calls with more
    than ``most`` arguments are not covered by them.
    """

    def __init__(self, function: Callable[..., Any], options: type | None, *, is_raw: bool) -> None:
        code = function.__code__
        annotations, module = function.__annotations__, function.__module__
        if is_raw:
            annotations = {name: _raw(annotation) for name, annotation in annotations.items()}
        end = code.co_argcount + code.co_kwonlyargcount
        names = code.co_varnames[:end]
        kinds = {
            # ``self`` and ``cls`` have no annotation.
            name: kind_of(annotations[name], module) if name in annotations else Anything()
            for name in names
        }
        self._places = [(name, kinds[name]) for name in names[: code.co_argcount]]
        self.kinds = {name: kinds[name] for name in names[code.co_posonlyargcount :]}
        if options is not None:
            for name, annotation in options.__annotations__.items():
                self.kinds[name] = kind_of(annotation, module)
        self.rest: tuple[str, Kind] | None = None
        if code.co_flags & _REST:
            rest = code.co_varnames[end]
            self.rest = rest, kind_of(annotations[rest], module)
        self.trusted = [kind.trusted for _, kind in self._places]
        if self.rest is not None:
            self.trusted += [self.rest[1].trusted] * _FAST_REST
        self.most = len(self.trusted)
        self.trusted_by_name = {name: kind.trusted for name, kind in self.kinds.items()}

    def accept(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Check the positional arguments; too many of them are left to Python."""
        count = len(self._places)
        accepted = [
            _accept(kind, value, name)
            for (name, kind), value in zip(self._places, args)  # noqa: B905 - fewer or more
        ]
        if self.rest is None:
            return (*accepted, *args[count:])
        name, kind = self.rest
        return (*accepted, *[_accept(kind, value, name) for value in args[count:]])

    def accept_named(self, name: str, value: Any) -> Any:
        """Check a named argument; unknown ones are left to the function."""
        kind = self.kinds.get(name)
        return value if kind is None else kind.accept(value, name)


def _raw(annotation: object) -> object:
    return _STR.sub("RawText", annotation) if isinstance(annotation, str) else annotation


def _accept(kind: Kind, value: Any, name: str) -> Any:
    if type(value) in kind.trusted and (type(value) not in INSPECTED or is_plain(value)):
        return value
    return kind.accept(value, name)
