"""Decorated functions refuse wrong arguments, and get the others as they are."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pytest
from attrs import evolve, frozen

from llb.arguments.checked import checked, checked_init, checked_methods, checked_raw_init
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Options(TypedDict, total=False):
    """The options of a function."""

    size: int


@checked(options=Options)
def function(
    name: str, /, count: int = 0, *rest: str, items: Iterable[str] = (), **options: Unpack[Options]
) -> tuple[Any, ...]:
    """Show the arguments."""
    return name, count, rest, tuple(items), options


@checked_init
@frozen
class Value:
    """A value with a name."""

    name: str
    sizes: tuple[int, ...] = ()


@checked_methods(apart_from=("unchecked",))
class Methods:
    """Methods, of which all but one are checked."""

    def checked(self, name: str, **options: Unpack[Options]) -> tuple[Any, ...]:
        """Show the arguments."""
        return name, options

    def unchecked(self, name: str) -> str:
        """Show the argument."""
        return name

    def _private(self, name: str) -> str:
        return name


def test_arguments_are_passed_on() -> None:
    assert function("a") == ("a", 0, (), (), {})
    assert function("a", 1, "b", "c", items=["d"], size=2) == (
        "a",
        1,
        ("b", "c"),
        ("d",),
        {"size": 2},
    )
    assert function("ä", 1, *"bcdefghij", items="é", size=2**40) == (
        "ä",
        1,
        tuple("bcdefghij"),
        ("é",),
        {"size": 2**40},
    )


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        ((1,), {}, "invalid name 1: expected a string (write it as a string: '1')"),
        (("a", "b"), {}, "invalid count 'b': expected an integer"),
        (("a", 1, 2), {}, "invalid rest 2: expected a string (write it as a string: '2')"),
        (
            ("a", 1, *"bcdefgh", 2),
            {},
            "invalid rest 2: expected a string (write it as a string: '2')",
        ),
        (("a",), {"items": 1}, "invalid items 1: expected several values, each a string"),
        (("a",), {"size": "b"}, "invalid size 'b': expected an integer"),
    ],
)
def test_wrong_arguments_are_refused(
    args: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        function(*args, **options)
    assert str(caught.value) == message


def test_missing_and_excess_arguments_are_errors_of_python() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        function()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments but 4 were given"):
        Value("a", (), 1)  # type: ignore[call-arg]


def test_a_positional_parameter_does_not_check_an_option_of_its_name() -> None:
    assert function("a", name=1) == ("a", 0, (), (), {"name": 1})  # type: ignore[call-arg]


def test_constructors_convert_and_keep_their_signature() -> None:
    value = Value("a", [1, 2])  # type: ignore[arg-type]
    assert value == Value("a", (1, 2))
    assert evolve(value, name="b") == Value("b", (1, 2))
    assert list(inspect.signature(Value).parameters) == ["name", "sizes"]
    with pytest.raises(InvalidValueError, match="invalid name None: expected a string"):
        Value(None)  # type: ignore[arg-type]


def test_public_methods_of_a_class_are_checked() -> None:
    methods: Any = Methods()
    assert methods.checked("a", size=1) == ("a", {"size": 1})
    with pytest.raises(InvalidValueError, match="invalid size 'a': expected an integer"):
        methods.checked("a", size="a")
    assert methods.unchecked(1) == 1
    assert methods._private(1) == 1


def test_strings_of_a_raw_value_may_contain_nul() -> None:
    @checked_raw_init
    @frozen
    class Raw:
        words: tuple[str, ...] = ()

    assert Raw(("a\0",)).words == ("a\0",)
    with pytest.raises(InvalidValueError, match=r"invalid words\[0\] 1: expected a string"):
        Raw((1,))  # type: ignore[arg-type]
