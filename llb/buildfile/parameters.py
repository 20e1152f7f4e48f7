"""Build args as the parameters of a function: their types, what is allowed, and their values."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attrs import field, frozen

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


@frozen
class Parameter:
    """A build arg of a target.

    ``allowed`` are the texts that it may have where there are few, ``kind`` what it is in the
    words of Python, and ``default`` its value where none is given, unless it ``is_required``.
    """

    name: str
    kind: str
    default: object
    is_required: bool
    description: str
    allowed: tuple[str, ...]
    _convert: Callable[[str], object] = field(repr=False)

    @property
    def default_text(self) -> str:
        """The default as a client would write it; nothing for one that is absent or None."""
        if self.is_required or self.default is None:
            return ""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return str(self.default.value if isinstance(self.default, enum.Enum) else self.default)

    def convert(self, text: str) -> object:
        """Return the value that ``text`` stands for. Raises InvalidValueError."""
        try:
            return self._convert(text)
        except ValueError as error:
            expected = f"one of {', '.join(self.allowed)}" if self.allowed else self.kind
            raise InvalidValueError(
                f"invalid build arg {self.name}={text}: expected {expected}",
                hint=did_you_mean(text, self.allowed),
            ) from error


def parameters_of(function: Callable[..., Any], build: type) -> tuple[str | None, list[Parameter]]:
    """Return which parameter of a target takes the build, if one does, and its build args.

    ``build`` is the type of the former. Raises InvalidValueError for a parameter of another kind.
    """
    hints = _hints(function)
    taken: str | None = None
    found = []
    for place, each in enumerate(inspect.signature(function).parameters.values()):
        hint = hints.get(each.name)
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise InvalidValueError(
                f"a target cannot have the parameter {_STARS.get(each.kind, '')}{each.name}",
                hint="name each build arg, as version: str = '1.0'",
            )
        if hint is build or (hint is None and place == 0 and each.name == "build"):
            taken = each.name
        elif hint is None:
            raise InvalidValueError(
                f"the parameter {each.name} has no type", hint=f"annotate it with {_KINDS}"
            )
        else:
            found.append(_parameter(each, hint))
    return taken, found


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the types of the parameters; what is returned may be named without being imported."""
    given = {name: each for name, each in function.__annotations__.items() if name != "return"}
    holder = type("Parameters", (), {"__annotations__": given})
    try:
        return typing.get_type_hints(holder, function.__globals__, include_extras=True)
    except NameError as error:
        raise InvalidValueError(
            f"an annotation names what is not there: {error}",
            hint="import it outside of TYPE_CHECKING: the types of build args are read at run time",
        ) from error


def _parameter(given: inspect.Parameter, hint: Any) -> Parameter:
    description = ""
    if typing.get_origin(hint) is Annotated:
        hint, *texts = typing.get_args(hint)
        description = next((each for each in texts if isinstance(each, str)), "")
    is_required = given.default is given.empty
    kind, allowed, convert = _kind(given.name, hint)
    default = None if is_required else given.default
    if not is_required and not _is_of(default, hint):
        raise InvalidValueError(f"the default of {given.name} is {default!r}, expected {kind}")
    return Parameter(given.name, kind, default, is_required, description, allowed, convert)


def _kind(name: str, hint: Any) -> tuple[str, tuple[str, ...], Callable[[str], object]]:
    """Return what a type is called, the texts that are allowed, and what converts one."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(hint) if each is not types.NoneType]
        if len(inner) == 1 and len(typing.get_args(hint)) == 2:
            kind, allowed, convert = _kind(name, inner[0])
            # An empty text is a text; of other types it is none of them.
            is_text = inner[0] is str
            none = f"{kind}, or nothing"
            return none, allowed, lambda text: convert(text) if text or is_text else None
    if origin is Literal:
        values = {str(each): each for each in typing.get_args(hint)}
        return "one of a few", tuple(values), _choice(values)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        members = {str(each.value): each for each in hint}
        return f"a {hint.__name__}", tuple(members), _choice(members)
    if hint is bool:
        return "true or false", (), _boolean
    if hint in _PLAIN:
        return _PLAIN[hint], (), hint
    shown = getattr(hint, "__name__", str(hint))
    raise InvalidValueError(
        f"the build arg {name} cannot be of the type {shown}", hint=f"the types are {_KINDS}"
    )


_PLAIN: Mapping[Any, str] = {str: "a text", int: "a whole number", float: "a number"}


def _choice(values: Mapping[str, object]) -> Callable[[str], object]:
    def convert(text: str) -> object:
        if text not in values:
            raise ValueError(text)
        return values[text]

    return convert


def _boolean(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(text)
    return text.lower() in _TRUE


def _is_of(value: object, hint: Any) -> bool:
    """Return whether a default is of its type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_of(value, each) for each in typing.get_args(hint))
    if origin is Literal:
        return value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
