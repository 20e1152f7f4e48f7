"""Each kind of argument takes its values, and its errors say what is expected."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest

from llb.arguments.annotations import kind_of
from llb.arguments.kinds import Kind, is_plain, shown
from llb.errors import InvalidValueError


def kind(annotation: str) -> Kind:
    return kind_of(annotation, __name__)


@pytest.mark.parametrize(
    ("annotation", "value", "accepted"),
    [
        ("str", "ä", "ä"),
        ("str", "\udc80", "\udc80"),
        ("bytes", bytearray(b"a"), b"a"),
        ("bytes", memoryview(b"a"), b"a"),
        ("bytes | str", "a\0", "a\0"),
        ("int", -(2**63), -(2**63)),
        ("float", 3, 3),
        ("float", 0.5, 0.5),
        ("float | timedelta", timedelta(minutes=1), timedelta(minutes=1)),
        ("bool", False, False),
        ("object", "a\0", "a\0"),
        ("Iterable[str]", "ab", ("ab",)),
        ("Iterable[str]", iter("ab"), ("a", "b")),
        ("Iterable[str]", {"a": 1}.keys(), ("a",)),
        ("list[int]", (1, 2**40), [1, 2**40]),
        ("frozenset[str]", {"a"}, frozenset({"a"})),
        ("tuple[str, int]", ["a", 1], ("a", 1)),
        ("Mapping[str, str]", {"a": "ä"}, {"a": "ä"}),
        ("Mapping[str, Iterable[str]]", {"a": "ab"}, {"a": ("ab",)}),
        ("Literal['a', 'b'] | None", "b", "b"),
        ("PathLike[str]", PurePosixPath("ä"), PurePosixPath("ä")),
        ("Callable[[str], int]", int, int),
        ("Callable[[str], int]", "a".index, "a".index),
        ("type[int]", bool, bool),
    ],
)
def test_values_are_accepted(annotation: str, value: Any, accepted: Any) -> None:
    assert kind(annotation).accept(value, "x") == accepted


@pytest.mark.parametrize(
    ("annotation", "value", "message", "hint"),
    [
        ("str", 1, "invalid x 1: expected a string", "write it as a string: '1'"),
        ("str | None", 1, "invalid x 1: expected a string or None", "write it as a string: '1'"),
        ("str", "a\0", "invalid x 'a\\x00': expected a string without NUL", None),
        ("str", "\ud800", "invalid x '\\ud800': expected a string that UTF-8 can encode", None),
        ("str | None", b"a", "invalid x b'a': expected a string or None", None),
        ("bytes", "a", "invalid x 'a': expected bytes", None),
        ("int", True, "invalid x True: expected an integer", None),
        ("int", 2**64, "invalid x 18446744073709551616: expected at most 64 bits", None),
        ("int", 2**300, "invalid x of 301 bits: expected at most 64 bits", None),
        ("float", "1", "invalid x '1': expected a number of seconds", None),
        ("float", -1, "invalid x -1: expected 0 to 1000000000 seconds", None),
        ("float", float("nan"), "invalid x nan: expected 0 to 1000000000 seconds", None),
        ("float", float("inf"), "invalid x inf: expected 0 to 1000000000 seconds", None),
        (
            "timedelta",
            timedelta(seconds=-1),
            "invalid x -1.0: expected 0 to 1000000000 seconds",
            None,
        ),
        ("timedelta", 1, "invalid x 1: expected a timedelta", "for example timedelta(minutes=5)"),
        ("bool", 1, "invalid x 1: expected True or False", None),
        (
            "Literal['near', 'far']",
            "nera",
            "invalid x 'nera': expected near, far",
            "did you mean near?",
        ),
        ("Literal['near', 'far']", 1, "invalid x 1: expected near, far", None),
        ("Iterable[str]", None, "invalid x None: expected several values, each a string", None),
        (
            "Iterable[str]",
            {"a": 1},
            "invalid x {'a': 1}: expected several values, each a string",
            None,
        ),
        (
            "Iterable[str]",
            ["a", 1],
            "invalid x[1] 1: expected a string",
            "write it as a string: '1'",
        ),
        (
            "Sequence[str]",
            "ab",
            "invalid x 'ab': expected several values, each a string",
            "put it in a list",
        ),
        (
            "Iterable[int]",
            1,
            "invalid x 1: expected several values, each an integer",
            "put it in a list",
        ),
        (
            "tuple[str, int]",
            ("a",),
            "invalid x ('a',): expected a pair of a string and an integer",
            None,
        ),
        ("tuple[str, int]", ("a", "b"), "invalid x[1] 'b': expected an integer", None),
        ("Mapping[str, str]", [], "invalid x []: expected a mapping of a string to a string", None),
        (
            "Mapping[str, str]",
            {1: "a"},
            "invalid key of x 1: expected a string",
            "write it as a string: '1'",
        ),
        (
            "Mapping[str, str]",
            {"a": 1},
            "invalid x['a'] 1: expected a string",
            "write it as a string: '1'",
        ),
        ("Callable[[str], None]", 1, "invalid x 1: expected a function", None),
        (
            "PathLike[str]",
            PurePosixPath("a\0"),
            "invalid x 'a\\x00': expected a string without NUL",
            None,
        ),
        (
            "PurePath",
            PurePosixPath("\ud800"),
            "invalid x '\\ud800': expected a string that UTF-8 can encode",
            None,
        ),
        ("PurePath", 1, "invalid x 1: expected a path in the tree", None),
        ("Box", 1, "invalid x 1: expected a Box", None),
        ("Image", 1, "invalid x 1: expected an Image", None),
    ],
)
def test_other_values_are_refused(
    annotation: str, value: Any, message: str, hint: str | None
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        kind(annotation).accept(value, "x")
    assert (caught.value.title, caught.value.hint) == (message, hint)


def test_a_mapping_that_needs_no_conversion_stays_itself() -> None:
    mapping = MappingProxyType({"a": "ä"})
    assert kind("Mapping[str, str]").accept(mapping, "x") is mapping


def test_a_class_is_trusted_once_an_instance_was_accepted() -> None:
    class Box:
        pass

    class Special(Box):
        pass

    boxes = kind("Box | str")
    assert Special not in boxes.trusted
    boxes.accept(Special(), "x")
    assert Special in boxes.trusted


def test_an_object_with_the_attributes_of_a_protocol_is_accepted() -> None:
    class Reader:
        def __init__(self) -> None:
            self.read = bytes

    readers = kind("ReadableFile")
    reader = Reader()
    assert readers.accept(reader, "x") is reader
    # Another reader may lack the attribute.
    assert Reader not in readers.trusted
    with pytest.raises(InvalidValueError, match="expected a file to read from"):
        readers.accept(Reader, "x")


@pytest.mark.parametrize(
    ("value", "is_usual"),
    [
        ("a", True),
        ("ä", False),
        ("a\0", False),
        (5, True),
        (-1, False),
        (2**40, False),
        (["a", "b"], True),
        (["a", 1], False),
        (("a\0",), False),
        ({"a": "b"}, True),
        ({"a": 1}, False),
        ({"a": "ä"}, False),
    ],
)
def test_usual_values_are_plain(value: object, is_usual: bool) -> None:
    assert is_plain(value) is is_usual


def test_values_are_shortened_in_errors() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown(b"a" * 100) == f"b'{'a' * 58}…"
    assert shown(["a" * 100]) == f"['{'a' * 58}…"
    assert shown(Broken()) == "<Broken>"
