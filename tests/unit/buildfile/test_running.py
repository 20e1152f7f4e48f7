"""A build file has a time limit, and its errors are reported with its own lines."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from llb.buildfile import running
from llb.buildfile.current import Calls
from llb.buildfile.running import Stopwatch
from llb.errors import BuildFileError, InvalidValueError, render
from llb.source_map import python_source
from tests.timing import SECONDS, wait_until
from tests.unit.buildfile.texts import HEAD, build, load, modules, run_target

if TYPE_CHECKING:
    from types import FrameType

LOOP = f"""{HEAD}
@target
def app() -> State:
    number = 0
    while True:
        number = step(number)


def step(number):
    return number + 1
"""


def clock_of_a_loop() -> float:
    """Read a clock that jumps ahead as soon as the loop of the build file runs."""
    lines = set[int]()
    for frame in sys._current_frames().values():
        caller: FrameType | None = frame
        while caller is not None:
            code = caller.f_code
            if code.co_filename.endswith("/build.py") and code.co_name == "app":
                lines.add(caller.f_lineno)
            caller = caller.f_back
    return 100.0 if lines & {7, 8} else 0.0


def test_a_file_that_runs_too_long_is_interrupted_at_its_line() -> None:
    before = set(threading.enumerate())
    with pytest.raises(BuildFileError) as caught:
        run_target(LOOP, watch=Stopwatch(99, clock=clock_of_a_loop))
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert caught.value.message == "the build file did not finish within 99 seconds"
    assert caught.value.span is not None
    assert caught.value.span.line in (7, 8, 11, 12)
    assert caught.value.trace[0] in [f'  File "build.py", line {n}, in app' for n in (7, 8)]


def test_waiting_for_the_daemon_does_not_count() -> None:
    now = 1000.0
    watch = Stopwatch(10, clock=lambda: now)
    watch.start()
    now += 5
    with watch.stopped():
        now += 50
        with watch.stopped():
            now += 50
        assert not watch.is_over
    assert not watch.is_over
    now += 4
    assert not watch.is_over
    now += 2
    assert watch.is_over


def test_the_default_clock_runs() -> None:
    watch = Stopwatch(0.0)
    assert not watch.is_over
    watch.start()
    wait_until(lambda: watch.is_over)


RAISED = """\
  File "build.py", line 6, in app
    return first({})
           ^^^^^^^^^
  File "build.py", line 9, in first
    return second(given)
           ^^^^^^^^^^^^^
  File "build.py", line 11, in second
    return given["missing"]
           ~~~~~^^^^^^^^^^^
 9 |         return second(given)
10 |     def second(given):
11 | >>>     return given["missing"]
error: build.py:11: KeyError: 'missing'"""


def test_the_traceback_of_an_exception_is_limited_to_the_file() -> None:
    text = f"""{HEAD}
@target
def app() -> State:
    return first({{}})

def first(given):
    return second(given)
def second(given):
    return given["missing"]
"""
    with pytest.raises(BuildFileError) as caught:
        run_target(text)
    # Newer versions of Python do not mark a call that is the whole line.
    shown = [line for line in render(caught.value).splitlines() if set(line) - set(" ^")]
    assert shown == [line for line in RAISED.splitlines() if set(line) - set(" ^")]


def test_an_error_of_this_package_keeps_its_type_and_gets_a_span() -> None:
    text = f"{HEAD}\n@target\ndef app() -> State:\n    return Image('Alpine')\n"
    with pytest.raises(InvalidValueError) as caught:
        run_target(text)
    assert str(caught.value.span) == "build.py:6"
    assert caught.value.message.startswith("invalid reference 'Alpine'")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("raise ExceptionGroup('two', [ValueError(1), ValueError(2)])", "ExceptionGroup: two"),
        ("class E(Exception):\n  def __str__(self): 1/0\nraise E", "E: <exception str() failed>"),
        ("async def f(): pass\nf().send(None)", "StopIteration"),
    ],
)
def test_every_exception_is_reported(line: str, expected: str) -> None:
    with pytest.raises(BuildFileError) as caught:
        load(line)
    assert expected in caught.value.message


def test_steps_have_locations_in_files_that_are_not_on_disk() -> None:
    neighbour = "def greet(state):\n    return state.run('true')\n"
    text = (
        f"{HEAD}from ci import greet\n@target\ndef app() -> State:\n    return greet(Scratch())\n"
    )
    loaded = modules(text, {"ci.py": neighbour})
    (target,) = running.load_targets(loaded, Stopwatch())
    (part,) = running.run_target(target, Calls(build()), loaded.files, Stopwatch())
    definition = part.tree.marshal()
    loaded.close()
    (locations,) = definition.locations.values()
    assert [(location.file.filename, location.ranges[0].line) for location in locations] == [
        ("ci.py", 2),
        ("build.py", 6),
    ]
    assert [file.data.decode() for file in definition.files] == [neighbour, text]
    # Closed files are no longer registered.
    assert python_source("ci.py") is None


def error_of(text: str) -> BuildFileError:
    with pytest.raises(BuildFileError) as caught:
        run_target(f"{HEAD}\n@target\ndef app() -> State:\n{text}")
    return caught.value


def test_the_cause_of_an_exception_is_shown() -> None:
    error = error_of(
        "    try:\n        {}['a']\n    except KeyError as error:\n"
        "        raise ValueError('no a') from error\n"
    )
    assert (error.message, str(error.span)) == ("ValueError: no a", "build.py:9")
    assert [line for line in error.trace if "^" not in line] == [
        '  File "build.py", line 9, in app',
        "    raise ValueError('no a') from error",
        "caused by: KeyError: 'a'",
        '  File "build.py", line 7, in app',
        "    {}['a']",
    ]


@pytest.mark.parametrize(
    ("clause", "shown"),
    [("", ["raised while handling: KeyError: 'a'"]), (" from None", [])],
)
def test_the_exception_that_was_handled_is_shown_unless_it_is_hidden(
    clause: str, shown: list[str]
) -> None:
    error = error_of(
        "    try:\n        {}['a']\n    except KeyError:\n"
        f"        raise ValueError('no a'){clause}\n"
    )
    assert [line for line in error.trace if not line.startswith(" ")] == shown


def test_the_members_of_a_group_are_shown() -> None:
    error = error_of(
        "    errors = [ValueError('one'), ExceptionGroup('inner', [TypeError('two')])]\n"
        "    raise ExceptionGroup('several', errors)\n"
    )
    assert error.message == "ExceptionGroup: several (2 sub-exceptions)"
    assert [line for line in error.trace if not line.startswith(" ")] == [
        "exception 1 of 2: ValueError: one",
        "exception 2 of 2: ExceptionGroup: inner (1 sub-exception)",
        "exception 1 of 1: TypeError: two",
    ]


def test_the_middle_of_endless_recursion_is_counted() -> None:
    with pytest.raises(BuildFileError) as caught:
        run_target(
            f"{HEAD}\ndef a():\n    b()\n\ndef b():\n    a()\n\n"
            "@target\ndef app() -> State:\n    a()\n"
        )
    omitted = [line for line in caught.value.trace if line.startswith("  ... ")]
    assert len(omitted) == 1
    assert omitted[0].endswith(" more calls ...")
    assert len(caught.value.trace) < 60


def test_files_of_one_name_are_shown_with_their_own_lines() -> None:
    first = modules(f"{HEAD}\n@target\ndef app() -> State:\n    return 1 / 0  # first\n")
    second = modules(f"{HEAD}\n@target\ndef app() -> State:\n    return 1 / 0  # second\n")
    (target,) = running.load_targets(first, Stopwatch())
    running.load_targets(second, Stopwatch())
    second.close()
    with pytest.raises(BuildFileError) as caught:
        running.run_target(target, Calls(build()), first.files, Stopwatch())
    first.close()
    assert "    return 1 / 0  # first" in caught.value.trace
    assert caught.value.trace[0] == '  File "build.py", line 6, in app'
