"""Annotations are read as text, with the names of the module that contains them."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Optional, TypeAlias, TypedDict, TypeVar

import pytest

from llb.arguments.annotations import kind_of
from llb.client import options
from llb.errors import InvalidValueError

T_ = TypeVar("T_")
Word: TypeAlias = Literal["a", "b"]
Words: TypeAlias = Mapping[str, Word]
Quoted: TypeAlias = "list[int] | None"
Function: TypeAlias = Callable[[int], str]
Maybe: TypeAlias = Optional[int]  # noqa: UP045 - the other spelling


class Options(TypedDict):
    """Options, whose annotations are forward references."""

    word: Word


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Word", "a, b"),
        ("Words", "a mapping of a string to a, b"),
        ("Quoted", "several values, each an integer or None"),
        ("Function", "a function"),
        ("Maybe", "an integer or None"),
        ("Mapping", "a mapping of anything to anything"),
        ("type[int]", "a class"),
        ("T_", "anything"),
        ("P_.args", "anything"),
        ("'int'", "an integer"),
        ("typing.Any", "anything"),
        ("NetworkName", "sandbox, host, none"),
        ("MountValue", "a mount"),
        ("StrPath | None", "a string, a path or None"),
        ("Literal[True, None] | str", "True, None or a string"),
        ("dict[str, tuple[str, ...]]", "a mapping of a string to several values, each a string"),
        (Options.__annotations__["word"], "a, b"),
        (None, "None"),
        (int, "an integer"),
        (typing.Union[int, str], "an integer or a string"),  # noqa: UP007 - the other spelling
    ],
)
def test_annotations_are_read(annotation: Any, text: str) -> None:
    assert kind_of(annotation, __name__).text == text


def test_a_name_may_mean_something_else_in_one_module() -> None:
    secret = kind_of("Secret", options.__name__)
    assert secret.accept("value", "x") == "value"
    with pytest.raises(InvalidValueError, match="expected a mount"):
        kind_of("Secret", __name__).accept("value", "x")
