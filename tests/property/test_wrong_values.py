"""Every parameter of every public function refuses wrong values, with an error of this package.

The functions and their parameters are found by inspection, so a new one is covered when it becomes
public. Each is called with otherwise valid arguments.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import State
from llb.arguments.annotations import kind_of
from llb.arguments.kinds import Anything, Instance, Kind
from llb.errors import InvalidValueError, LLBError
from tests.property.public_functions import OWN, PublicFunction, public_functions
from tests.property.valid_arguments import NOTHING_TO_CALL, STATE, Receivers, value_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator


class AnyClass:
    """A class that can be called like a function."""

    def __init__(self, *_: object) -> None:
        """Raise an error of this package, because no instance is a result of any function."""
        raise LLBError("called")


VALUES: dict[str, Any] = {
    "an object": object(),
    "None": None,
    "a class": AnyClass,
    "bytes": b"x",
    "an integer": 7,
    "a negative integer": -1,
    "a large integer": 2**40,
    "a huge integer": 2**70,
    "a float": 1.5,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "True": True,
    "a string": "x",
    "an empty string": "",
    "NUL": "a\0b",
    "half of a surrogate pair": "a\ud800",
    "a long string": "x" * 10_000,
    "an empty list": [],
    "a list of strings": ["x"],
    "a list of integers": [7],
    "a list of None": [None],
    "an empty mapping": {},
    "a mapping to integers": {"x": 7},
    "a mapping from integers": {7: "x"},
    "a path": Path("x"),
    "a duration": dt.timedelta(seconds=1),
    "a time without a zone": dt.datetime(2024, 1, 1),  # noqa: DTZ001 - what is tested
    "a state": STATE,
}
FUNCTIONS = {
    f"{function.module}.{function.name}": function
    for function in public_functions()
    if function.name not in OWN
}
CALLS = sum(len(function.parameters) for function in FUNCTIONS.values()) * len(VALUES)


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with Receivers() as receivers:
        yield receivers


# A mapping of any key is valid for the attributes of a frontend.
@pytest.mark.filterwarnings("ignore::llb.client.UnknownKeyWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_wrong_values_are_refused_at_the_call(
    name: str,
    receivers: Receivers,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # A valid path is a file that the function writes.
    monkeypatch.chdir(tmp_path)
    function = FUNCTIONS[name]
    unexpected = [
        f"{parameter.name} = {kind}: {problem}"
        for parameter in function.parameters
        for kind, value in VALUES.items()
        if (problem := problem_of(function, parameter, value, receivers)) is not None
    ]
    assert unexpected == []


def test_the_calls_are_counted() -> None:
    assert len(FUNCTIONS) > 200
    assert CALLS > 25_000


def test_every_name_in_an_annotation_is_a_class() -> None:
    # An alias that the table lacks would be taken for a class, which no value has.
    classes = {kind.__name__ for kind in _subclasses(object)}
    names = {
        name
        for function in FUNCTIONS.values()
        for parameter in function.parameters
        for name in _class_names(_kind(parameter.annotation, function.function.__module__))
    }
    assert names - classes == set()
    assert {"State", "Definition", "Export"} <= names


def _subclasses(kind: type) -> Iterator[type]:
    subclass: type
    for subclass in type.__subclasses__(kind):
        yield subclass
        yield from _subclasses(subclass)


def _class_names(kind: Kind) -> Iterator[str]:
    if isinstance(kind, Instance):
        yield kind.class_name
    for part in kind.parts:
        yield from _class_names(part)


def problem_of(
    function: PublicFunction, parameter: inspect.Parameter, value: Any, receivers: Receivers
) -> str | None:
    """Call the function with a wrong argument; describe what should not have happened."""
    must_be_refused = not may_be(function, parameter, value)
    if not must_be_refused and f"{function.module}.{function.name}" in NOTHING_TO_CALL:
        return None
    if not must_be_refused and not receivers.has(function):
        return None
    try:
        result = call(function, parameter, value, receivers)
        if isinstance(result, State):
            result.marshal(platform="linux/amd64")
    except AssertionError:
        # The assertions of llb.testing fail with it; none is wrong about its arguments.
        return "failed" if must_be_refused or function.module != "llb.testing" else None
    except InvalidValueError as error:
        is_named = parameter.name in error.title
        return None if is_named or not must_be_refused else f"does not name it: {error}"
    except LLBError as error:
        return f"refused by {error!r}" if must_be_refused else None
    except Exception as error:  # noqa: BLE001 - any other exception is what the test looks for
        return repr(error)
    return "accepted" if must_be_refused else None


def may_be(function: PublicFunction, parameter: inspect.Parameter, value: Any) -> bool:
    """Check whether a value looks like one that the annotation allows."""
    kind = _kind(parameter.annotation, function.function.__module__)
    assert isinstance(kind, Anything) or not kind.claims(VALUES["an object"])
    return kind.claims(value)


_kind = cache(kind_of)


def call(
    function: PublicFunction, parameter: inspect.Parameter, value: Any, receivers: Receivers
) -> Any:
    """Call a function with valid arguments, but for one."""
    receiver = receivers.of(function) if function.takes_self else None
    positional = [] if receiver is None else [receiver]
    named = {}
    for other in function.parameters:
        is_wrong = other == parameter
        if not is_wrong and other.default is not inspect.Parameter.empty:
            continue
        argument = value if is_wrong else value_of(function, other)
        if other.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL) or (
            other.kind is not inspect.Parameter.KEYWORD_ONLY
            and (other.default is inspect.Parameter.empty)
        ):
            positional.append(argument)
        else:
            named[other.name] = argument
    result = function.function(*positional, **named)
    if inspect.isawaitable(result):
        return asyncio.run(awaited(result))
    return list(result) if inspect.isgenerator(result) else result


async def awaited(result: Awaitable[Any]) -> Any:
    return await result
