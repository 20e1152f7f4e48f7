"""Build args as parameters of a function: types, allowed values, and conversion."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STARS: Mapping[object, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")
_KINDS = "str, int, float, bool, an Enum, a Literal, or one of them | None"


@checked_init
@frozen
class BuildArg:
    """The name of a build arg that cannot be the name of a parameter.

    ::

        def app(build: Build, class_: Annotated[str, BuildArg("class")] = "1") -> State: ...
    """

    name: str


@frozen
class Parameter:
    """A build arg of a target.

    ``keyword`` is the name of the parameter, which may differ from the ``name`` of the build arg.
    ``kind`` describes its type for users, ``allowed`` lists its values if it is an enumeration,
    and ``default`` is its default value, unless it ``is_required``.
    """

    name: str
    kind: str
    default: object
    is_required: bool
    description: str
    allowed: tuple[str, ...]
    keyword: str = field(repr=False)
    _convert: Callable[[str], object] = field(repr=False)

    @property
    def default_text(self) -> str:
        """The default as a client would write it; empty if it is absent or None."""
        if self.is_required or self.default is None:
            return ""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return str(self.default.value if isinstance(self.default, enum.Enum) else self.default)

    def convert(self, value: str) -> object:
        """Convert a value that the client sent. Raises InvalidValueError."""
        try:
            return self._convert(value)
        except ValueError as error:
            expected = f"one of {', '.join(self.allowed)}" if self.allowed else self.kind
            raise InvalidValueError(
                f"invalid build arg {self.name}={value}: expected {expected}",
                hint=did_you_mean(value, self.allowed),
            ) from error


def parameters_of(function: Callable[..., Any], build: type) -> tuple[str | None, list[Parameter]]:
    """Inspect a target: the parameter that takes the build, if any, and its build args.

    ``build`` is the type of that parameter. Raises InvalidValueError for an invalid parameter.
    """
    hints = _hints(function)
    build_parameter: str | None = None
    build_args = []
    for index, parameter in enumerate(inspect.signature(function).parameters.values()):
        name, kind = parameter.name, parameter.kind
        hint = hints.get(name)
        if kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InvalidValueError(
                f"invalid parameter {_STARS.get(kind, '')}{name} of a target",
                hint="name each build arg, as version: str = '1.0'",
            )
        if hint is build or (hint is None and index == 0 and name == "build"):
            build_parameter = name
        elif hint is None:
            raise InvalidValueError(
                f"the parameter {name} has no type", hint=f"annotate it with {_KINDS}"
            )
        else:
            build_args.append(_parameter(parameter, hint))
    return build_parameter, build_args


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Evaluate the annotations of the parameters, but not of the return value."""
    annotations = {
        name: annotation
        for name, annotation in function.__annotations__.items()
        if name != "return"
    }
    holder = type("Parameters", (), {"__annotations__": annotations})
    try:
        return typing.get_type_hints(holder, function.__globals__, include_extras=True)
    except NameError as error:
        raise InvalidValueError(
            f"undefined name in an annotation: {error}",
            hint="import it outside TYPE_CHECKING: the types of build args are read at run time",
        ) from error


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    description = ""
    name, default = parameter.name, parameter.default
    if typing.get_origin(hint) is Annotated:
        hint, *metadata = typing.get_args(hint)
        description = next((item for item in metadata if isinstance(item, str)), "")
        name = next((item.name for item in metadata if isinstance(item, BuildArg)), name)
    is_required = default is parameter.empty
    kind, allowed, convert = _kind(name, hint)
    default = None if is_required else default
    if not is_required and not _has_type(default, hint):
        raise InvalidValueError(f"the default of {name} is {default!r}, expected {kind}")
    return Parameter(
        name, kind, default, is_required, description, allowed, parameter.name, convert
    )


def _kind(name: str, hint: Any) -> tuple[str, tuple[str, ...], Callable[[str], object]]:
    """Describe a type: its name for users, the allowed values, and the converter from a string."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [member for member in typing.get_args(hint) if member is not types.NoneType]
        if len(inner) == 1 and len(typing.get_args(hint)) == 2:
            kind, allowed, convert = _kind(name, inner[0])
            # An empty value is a valid string; for other types it is None.
            is_string = inner[0] is str
            optional = f"{kind}, or nothing"
            return optional, allowed, lambda value: convert(value) if value or is_string else None
    if origin is Literal:
        values = {str(value): value for value in typing.get_args(hint)}
        return f"one of {', '.join(values)}", tuple(values), _choice(values)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        members = {str(member.value): member for member in hint}
        return f"a {hint.__name__}", tuple(members), _choice(members)
    if hint is bool:
        return "true or false", (), _boolean
    if hint in _PLAIN:
        return _PLAIN[hint], (), hint
    is_union = isinstance(hint, types.UnionType)
    type_name = str(hint) if is_union else getattr(hint, "__name__", str(hint))
    raise InvalidValueError(
        f"invalid type {type_name} of the build arg {name}", hint=f"expected {_KINDS}"
    )


_PLAIN: Mapping[Any, str] = {str: "a string", int: "an integer", float: "a number"}


def _choice(values: Mapping[str, object]) -> Callable[[str], object]:
    def convert(value: str) -> object:
        if value not in values:
            raise ValueError(value)
        return values[value]

    return convert


def _boolean(value: str) -> bool:
    if value.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(value)
    return value.lower() in _TRUE


def _has_type(value: object, hint: Any) -> bool:
    """Check whether a default has the annotated type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_has_type(value, member) for member in typing.get_args(hint))
    if origin is Literal:
        return value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
