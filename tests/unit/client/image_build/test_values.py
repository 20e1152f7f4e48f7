"""Values as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb.client.image_build import values
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("abc", ("abc",)),
        (Path("a"), (Path("a"),)),
        (["a", "b"], ("a", "b")),
        (iter("ab"), ("a", "b")),
        (7, (7,)),
    ],
)
def test_one_or_several(value: object, expected: tuple[object, ...]) -> None:
    assert values.several(value, "tags") == expected


def test_hosts_are_a_mapping_or_strings() -> None:
    assert values.to_hosts(None) == {}
    assert values.to_hosts({"a": "1.2.3.4,::1"}) == {"a": "1.2.3.4,::1"}
    assert values.to_hosts("a:1.2.3.4") == {"a": "1.2.3.4"}
    assert values.to_hosts(["a:host-gateway", "b=[::1],[1.2.3.4]"]) == {
        "a": "host-gateway",
        "b": "::1,1.2.3.4",
    }
    assert values.to_hosts(["a:1.2.3.4", "b:::1", "a=1.2.3.5"]) == {
        "a": "1.2.3.4,1.2.3.5",
        "b": "::1",
    }
    assert values.to_hosts(["a:1.2.3.4", "b=::1"]) == {"a": "1.2.3.4", "b": "::1"}
    assert values.to_hosts(["a:[::1]", "b=[fe80::2]"]) == {"a": "::1", "b": "fe80::2"}


def test_limits_are_a_mapping_or_strings() -> None:
    assert values.to_ulimits(None) == {}
    assert values.to_ulimits({"a": 1, "b": (1, 2), "c": "1:2", "d": [1, 2]}) == {
        "a": 1,
        "b": (1, 2),
        "c": (1, 2),
        "d": (1, 2),
    }
    assert values.to_ulimits("nofile=10") == {"nofile": 10}
    assert values.to_ulimits(["nofile=10:20", "core=-1"]) == {"nofile": (10, 20), "core": -1}


def test_texts_are_strings_numbers_and_paths() -> None:
    assert values.to_text_mapping({"a": "x", "b": 1, "c": 1.5, "d": Path("e")}, "build_args") == {
        "a": "x",
        "b": "1",
        "c": "1.5",
        "d": "e",
    }


@pytest.mark.parametrize(
    ("convert", "value", "message"),
    [
        (values.several, True, "invalid x True: expected one value or several"),
        (values.several, b"a", "invalid x b'a': expected one value or several"),
        (values.several, {"a": 1}, "invalid x {'a': 1}: expected one value or several"),
        (values.strings, ["a", None], "invalid x None: expected a string that is not empty"),
        (values.strings, 7, "invalid x 7: expected a string that is not empty"),
        (values.to_string, "", "invalid x '': expected a string that is not empty"),
        (values.to_string, "\0", "invalid x '\\x00': expected a string without NUL"),
        (values.to_flag, 1, "invalid x 1: expected True or False"),
        (values.to_flag_or_string, 1, "invalid x 1: expected True, False or a string"),
        (values.to_mapping, "a=b", "invalid x 'a=b': expected a mapping"),
        (values.to_mapping, {1: ""}, "invalid name in x 1: expected a string that is not empty"),
        (
            values.to_text_mapping,
            {"a": True},
            "invalid x['a'] True: expected a string, a number or a path",
        ),
        (
            values.to_text_mapping,
            {"a": None},
            "invalid x['a'] None: expected a string, a number or a path",
        ),
        (values.to_hosts, "a", "invalid x 'a': expected NAME:IP"),
        (values.to_hosts, [":1"], "invalid x ':1': expected NAME:IP"),
        (values.to_hosts, ["a:1.2.3"], "invalid x '1.2.3': expected an IP address"),
        (values.to_hosts, {"a": "1.2.3.4:5"}, "invalid x['a'] '1.2.3.4:5': expected an IP address"),
        (values.to_ulimits, "nofile=2:1", "invalid x 2:1: the soft limit is above the hard limit"),
        (
            values.to_ulimits,
            {"a": (-1, 1)},
            "invalid x['a'] -1:1: the soft limit is above the hard limit",
        ),
        (values.to_hosts, [7], "invalid x 7: expected NAME:IP"),
        (values.to_hosts, ["a:1.2.3.4,"], "invalid x '': expected an IP address"),
        (values.to_hosts, ["a:::1%lo"], "invalid x '::1%lo': an IP address of a host has no zone"),
        (values.to_hosts, {"a": "[]"}, "invalid x['a'] '[]': expected an IP address"),
        (values.to_hosts, {"a": 7}, "invalid x['a'] 7: expected a string that is not empty"),
        (values.to_ulimits, "nofile", "invalid x 'nofile': expected NAME=SOFT[:HARD]"),
        (values.to_ulimits, ["=1"], "invalid x '=1': expected NAME=SOFT[:HARD]"),
        (values.to_ulimits, [7], "invalid x 7: expected NAME=SOFT[:HARD]"),
        (values.to_ulimits, {"a": True}, "invalid x['a'] True: expected SOFT[:HARD]"),
        (values.to_ulimits, {"a": (1, 2, 3)}, "invalid x['a'] (1, 2, 3): expected SOFT[:HARD]"),
    ],
)
def test_an_invalid_value_is_refused(
    convert: Callable[..., Any], value: object, message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        convert(value, "x")
    assert caught.value.message == message


def test_a_choice_has_a_suggestion() -> None:
    assert values.to_choice("host", "network", ("none", "host")) == "host"
    with pytest.raises(InvalidValueError) as caught:
        values.to_choice("hots", "network", ("none", "host"))
    assert caught.value.message == "invalid network 'hots': expected none, host"
    assert caught.value.hint == "did you mean host?"
    with pytest.raises(InvalidValueError) as caught:
        values.to_choice(["host"], "network", ("none", "host"))
    assert caught.value.hint is None


def test_a_long_value_is_shortened() -> None:
    error = values.invalid("x", "a" * 1000, "a word")
    assert error.message == f"invalid x '{'a' * 76}…: expected a word"
