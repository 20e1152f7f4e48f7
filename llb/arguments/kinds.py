"""Kinds of arguments: which values one takes, and what an error says it expects."""

from __future__ import annotations

from functools import cache
from os import fspath
from typing import TYPE_CHECKING, Any

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHOWN = 60
_INT_LIMIT = 2**63
_SMALL = 2**31
_LISTS = (list, tuple)
# About 30 years: the waits of all systems take it.
_SECONDS_LIMIT = 10**9


# Classes whose instances are trusted only if they are plain.
INSPECTED = frozenset({str, int, list, tuple, dict})


def is_plain(value: Any) -> bool:
    """Check the usual values fast: ASCII strings without NUL, containers of them, small integers.

    A value that is not plain may be valid as well.
    """
    kind = type(value)
    if kind is int:
        return bool(0 <= value < _SMALL)
    if kind is not str:
        try:
            value = "".join(value) if kind is not dict else "".join((*value, *value.values()))
        except TypeError:
            return False
    return bool(value.isascii()) and "\0" not in value


class Kind:
    """A kind of argument. ``text`` says in an error what is expected.

    ``trusted`` holds the classes whose instances need no further check, and ``parts`` the kinds of
    the items or alternatives.
    """

    parts: tuple[Kind, ...] = ()

    def __init__(self, text: str, *trusted: type, hint: str | None = None) -> None:
        self.text = text
        self.hint = hint
        self.trusted = set(trusted)

    def claims(self, value: object) -> bool:
        """Check whether the value is of this kind at first sight, whatever it contains."""
        return type(value) in self.trusted

    def accept(self, value: Any, name: str) -> Any:
        """Check the value, and convert it if another spelling was used.

        Raises InvalidValueError with the ``name`` of the argument.
        """
        if not self.claims(value):
            raise self.error(value, name)
        return value

    def error(self, value: object, name: str) -> InvalidValueError:
        """Create the error for a value of another kind."""
        return InvalidValueError(
            f"invalid {name} {shown(value)}: expected {self.text}", hint=self.hint
        )


class Text(Kind):
    """A string without NUL that can be encoded. Bytes that are not UTF-8 are Python's surrogates."""

    def __init__(self, *, is_data: bool = False) -> None:
        super().__init__("a string", str)
        self._is_data = is_data

    def claims(self, value: object) -> bool:
        """Accept strings and their subclasses, such as members of a StrEnum."""
        return isinstance(value, str)

    def accept(self, value: Any, name: str) -> str:
        """Refuse values that are not strings, NUL, and code points that are not characters."""
        if not isinstance(value, str):
            raise self.error(value, name)
        if not self._is_data and "\0" in value:
            raise InvalidValueError(f"invalid {name} {shown(value)}: expected a string without NUL")
        if not value.isascii() and not _is_encodable(value):
            raise InvalidValueError(
                f"invalid {name} {shown(value)}: expected a string that UTF-8 can encode"
            )
        return value

    def error(self, value: object, name: str) -> InvalidValueError:
        """Show how a number is written as a string."""
        error = super().error(value, name)
        if type(value) in (int, float):
            error.hint = f"write it as a string: {shown(value)!r}"
        return error


class Data(Kind):
    """Bytes, or anything with their buffer interface."""

    def __init__(self) -> None:
        super().__init__("bytes", bytes)

    def claims(self, value: object) -> bool:
        """Accept bytes, bytearray and memoryview."""
        return isinstance(value, bytes | bytearray | memoryview)

    def accept(self, value: Any, name: str) -> bytes:
        """Convert the value to bytes."""
        return bytes(super().accept(value, name))


class Whole(Kind):
    """An integer of 64 bits, signed or unsigned; True and False are none."""

    def __init__(self) -> None:
        super().__init__("an integer", int)

    def claims(self, value: object) -> bool:
        """Accept integers and their subclasses, such as members of an IntEnum."""
        return isinstance(value, int) and not isinstance(value, bool)

    def accept(self, value: Any, name: str) -> int:
        """Refuse values that are not integers, and those beyond 64 bits."""
        number: int = super().accept(value, name)
        if not -_INT_LIMIT <= number < 2 * _INT_LIMIT:
            raise InvalidValueError(f"invalid {name} {shown(value)}: expected at most 64 bits")
        return number


class Seconds(Kind):
    """A finite number of seconds."""

    def __init__(self) -> None:
        super().__init__("a number of seconds", int)

    def claims(self, value: object) -> bool:
        """Accept integers and floats; True and False are none."""
        return isinstance(value, int | float) and not isinstance(value, bool)

    def accept(self, value: Any, name: str) -> float:
        """Refuse infinite, negative and huge numbers."""
        number: float = super().accept(value, name)
        # NaN compares false with everything.
        if not 0 <= number <= _SECONDS_LIMIT:
            raise InvalidValueError(
                f"invalid {name} {shown(value)}: expected 0 to {_SECONDS_LIMIT} seconds"
            )
        return number


class TimeSpan(Kind):
    """A timedelta, with the bounds of :class:`Seconds`."""

    def __init__(self) -> None:
        super().__init__("a timedelta", hint="for example timedelta(minutes=5)")

    def claims(self, value: object) -> bool:
        """Look for the name of the class, which few programs import."""
        return any(kind.__name__ == "timedelta" for kind in type(value).__mro__)

    def accept(self, value: Any, name: str) -> Any:
        """Refuse negative and huge spans."""
        Seconds().accept(super().accept(value, name).total_seconds(), name)
        return value


class Choice(Kind):
    """One of several literal values."""

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = tuple(values)
        super().__init__(", ".join(str(value) for value in self.values))

    def claims(self, value: object) -> bool:
        """Accept the values, and all strings, for which the error suggests one."""
        return isinstance(value, str) or any(value is choice for choice in self.values)

    def accept(self, value: Any, name: str) -> Any:
        """Refuse other values, with the nearest one as the hint."""
        if value in self.values and self.claims(value):
            return value
        error = self.error(value, name)
        if isinstance(value, str):
            error.hint = did_you_mean(value, [v for v in self.values if isinstance(v, str)])
        raise error


class Instance(Kind):
    """An instance of a class, found by the name of the class so that its module is not imported.

    The classes that were accepted once are trusted from then on.
    """

    def __init__(self, name: str, text: str, hint: str | None) -> None:
        super().__init__(text, hint=hint)
        self.class_name = name

    def claims(self, value: object) -> bool:
        """Look for the name among the classes of the value."""
        return any(kind.__name__ == self.class_name for kind in type(value).__mro__)

    def accept(self, value: Any, name: str) -> Any:
        """Refuse other values."""
        super().accept(value, name)
        self.trusted.add(type(value))
        return value


class Function(Kind):
    """A function, or anything else that can be called, such as a class or a bound method."""

    def claims(self, value: object) -> bool:
        """Accept what can be called."""
        return callable(value)

    def accept(self, value: Any, name: str) -> Any:
        """Refuse other values; whether a value can be called depends on its class."""
        super().accept(value, name)
        self.trusted.add(type(value))
        return value


class Like(Kind):
    """An object with some attributes, whatever its class is."""

    def __init__(self, attributes: tuple[str, ...], text: str, hint: str | None) -> None:
        super().__init__(text, hint=hint)
        self._attributes = attributes

    def claims(self, value: object) -> bool:
        """Look for the attributes."""
        return not isinstance(value, type) and all(
            _has_member(type(value), name) or hasattr(value, name) for name in self._attributes
        )

    def accept(self, value: Any, name: str) -> Any:
        """Refuse other values."""
        super().accept(value, name)
        if all(_has_member(type(value), attribute) for attribute in self._attributes):
            self.trusted.add(type(value))
        return value


class PathObject(Kind):
    """A path as an object of another kind, whose text is checked as :class:`Text` is."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.text, hint=kind.hint)
        self._kind = kind

    def claims(self, value: object) -> bool:
        """Leave this to the kind of the object."""
        return self._kind.claims(value)

    def accept(self, value: Any, name: str) -> Any:
        """Refuse other values, and paths that no file can have; objects of one class differ."""
        if not self.claims(value):
            raise self.error(value, name)
        path = fspath(value)
        # A path of bytes is left to the function.
        if isinstance(path, str):
            Text().accept(path, name)
        return value


class Anything(Kind):
    """A value that the function itself checks, or only passes on."""

    def __init__(self) -> None:
        super().__init__("anything")

    def claims(self, value: object) -> bool:  # noqa: ARG002 - the interface of a kind
        """Accept everything."""
        return True

    def accept(self, value: Any, name: str) -> Any:  # noqa: ARG002 - the interface of a kind
        """Trust the class from now on; it is that of ``self`` in most calls."""
        self.trusted.add(type(value))
        return value


class Either(Kind):
    """A value of one of several kinds."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        kinds = tuple(_flattened(kinds))
        if any(isinstance(kind, Data) for kind in kinds):
            # The content of a file: it may contain NUL, whichever class it has.
            kinds = tuple(Text(is_data=True) if type(kind) is Text else kind for kind in kinds)
        super().__init__(_joined([kind.text for kind in kinds]))
        self.parts = kinds
        self.trusted = set().union(*(kind.trusted for kind in kinds))

    def claims(self, value: object) -> bool:
        """Check whether one of the kinds claims the value."""
        return any(kind.claims(value) for kind in self.parts)

    def accept(self, value: Any, name: str) -> Any:
        """Pass the value to the first kind that claims it."""
        for kind in self.parts:
            if kind.claims(value):
                accepted = kind.accept(value, name)
                self.trusted |= kind.trusted
                return accepted
        raise self.error(value, name)

    def error(self, value: object, name: str) -> InvalidValueError:
        """Give the first hint of the alternatives."""
        error = super().error(value, name)
        hints = (kind.error(value, name).hint for kind in self.parts)
        error.hint = next((hint for hint in hints if hint is not None), None)
        return error


class Several(Kind):
    """Several values of one kind, as a tuple; an iterator is read once.

    With ``takes_one``, a string is one value, because patterns and names often come alone. It is
    never several letters.
    """

    def __init__(self, item: Kind, container: type, *, takes_one: bool) -> None:
        super().__init__(f"several values, each {item.text}", hint=item.hint)
        self.parts = (item,)
        self._item = item
        self._container = container
        self._takes_one = takes_one
        if str in item.trusted:
            self.trusted |= {list, tuple} if container is tuple else {container}

    def claims(self, value: object) -> bool:
        """Accept what can be iterated, apart from mappings, and strings of which one is enough."""
        if isinstance(value, str | bytes | bytearray | memoryview):
            return self._takes_one and isinstance(value, str)
        return hasattr(type(value), "__iter__") and not hasattr(type(value), "keys")

    def accept(self, value: Any, name: str) -> Any:
        """Check every item."""
        if type(value) not in _LISTS and not self.claims(value):
            error = self.error(value, name)
            if self._item.claims(value):
                error.hint = "put it in a list"
            raise error
        # The type of the container is that of its annotation, or a subclass of it.
        items: Any = [value] if isinstance(value, str) else value
        if not isinstance(items, self._container):
            items = self._container(items)
        classes = set(map(type, items))
        if classes <= self._item.trusted and not classes & INSPECTED:
            return items
        accept = self._item.accept
        accepted = [accept(item, f"{name}[{index}]") for index, item in enumerate(items)]
        return items if _are_same(accepted, items) else self._container(accepted)


class Fixed(Kind):
    """A tuple of a fixed length, each item with its own kind."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        super().__init__(f"a pair of {' and '.join(kind.text for kind in kinds)}")
        self.parts = kinds

    def claims(self, value: object) -> bool:
        """Accept tuples and lists."""
        return isinstance(value, tuple | list)

    def accept(self, value: Any, name: str) -> tuple[Any, ...]:
        """Check the length, and every item."""
        items = super().accept(value, name)
        if len(items) != len(self.parts):
            raise self.error(value, name)
        return tuple(
            kind.accept(item, f"{name}[{index}]")
            for index, (kind, item) in enumerate(zip(self.parts, items, strict=True))
        )


class Pairs(Kind):
    """A mapping with keys of one kind and values of another."""

    def __init__(self, key: Kind, value: Kind) -> None:
        super().__init__(f"a mapping of {key.text} to {value.text}")
        self.parts = (key, value)
        self._key = key
        self._value = value
        if str in key.trusted and str in value.trusted:
            self.trusted.add(dict)

    def claims(self, value: object) -> bool:
        """Accept what has keys and items."""
        kind = type(value)
        return hasattr(kind, "keys") and hasattr(kind, "items") and hasattr(kind, "__getitem__")

    def accept(self, value: Any, name: str) -> Any:
        """Check every key and value; a mapping that needs no conversion stays itself."""
        if not self.claims(value):
            raise self.error(value, name)
        accepted = dict(self._items(value, name))
        # A mapping of its own class may compute its values late.
        same = len(accepted) == len(value) and _are_same(accepted.values(), value.values())
        return value if same else accepted

    def _items(self, value: Any, name: str) -> Iterator[tuple[Any, Any]]:
        for key, item in value.items():
            self._key.accept(key, f"key of {name}")
            yield key, self._value.accept(item, f"{name}[{shown(key)}]")


def shown(value: object) -> str:
    """Format a value for an error, shortened.

    >>> shown("a" * 1000)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    """
    if isinstance(value, str | bytes):
        text = repr(value[: _SHOWN + 1])
    elif isinstance(value, int) and abs(value) > 10**_SHOWN:
        return f"of {value.bit_length()} bits"
    else:
        try:
            text = repr(value)
        except Exception:  # noqa: BLE001 - any class may fail here, and the error is about its value
            text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@cache
def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _has_member(kind: type, name: str) -> bool:
    """Look for a method or property in a class, without reading it: a property may raise."""
    return any(name in vars(base) for base in kind.__mro__)


def _are_same(values: Iterable[object], others: Iterable[object]) -> bool:
    return all(value is other for value, other in zip(values, others, strict=True))


def _flattened(kinds: Iterable[Kind]) -> Iterator[Kind]:
    for kind in kinds:
        yield from kind.parts if isinstance(kind, Either) else (kind,)


def _joined(texts: list[str]) -> str:
    """List alternatives: ``a string, bytes or None``."""
    *first, last = dict.fromkeys(texts)
    comma = "," if any(" or " in text for text in first) else ""
    return f"{', '.join(first)}{comma} or {last}" if first else last
