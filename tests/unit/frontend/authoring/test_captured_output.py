"""What a build file prints and logs is shown as the names of steps."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from llb.errors import RemoteError
from llb.frontend.authoring.captured_output import Output
from llb.testing.graphs import steps

# ruff: noqa: T201 - what is printed is what these tests are about

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.testing.gateway import FakeGateway


@pytest.fixture
def daemon(fake_gateway: Callable[..., FakeGateway]) -> FakeGateway:
    return fake_gateway()


def shown(daemon: FakeGateway) -> list[list[str | None]]:
    """Return the names of the steps of each build that was asked for."""
    assert all(solve.evaluate for solve in daemon.solves)
    return [
        [step.name for step in steps(solve.definition)]
        for solve in daemon.solves
        if solve.definition is not None
    ]


def test_lines_are_shown_once_in_their_order(daemon: FakeGateway) -> None:
    gateway, output = daemon.connect(), Output("build.py")
    output.add("one")
    output.add("two")
    output.show(gateway)
    output.add("three")
    output.show(gateway)
    output.show(gateway)
    assert shown(daemon) == [["[build.py] one", "[build.py] two"], ["[build.py] three"]]


def test_a_long_line_is_cut_and_many_lines_are_counted(daemon: FakeGateway) -> None:
    output = Output("build.py")
    for number in range(103):
        output.add(f"{number} " + "x" * 600)
    output.show(daemon.connect())
    (names,) = shown(daemon)
    assert len(names) == 101
    assert names[0] == "[build.py] 0 " + "x" * 498
    assert names[-1] == "[build.py] ... and 3 lines more"


def test_what_is_printed_and_logged_is_taken(daemon: FakeGateway) -> None:
    before = sys.stdout, sys.stderr, logging.root.level, list(logging.root.handlers)
    with Output("build.py").shown(daemon.connect()):
        print("printed")
        print("in two", end="")
        print(" parts\nand more", file=sys.stdout)
        sys.stderr.write("an error\n")
        logging.getLogger("mine").info("logged")
        logging.getLogger("mine").debug("not shown")
        print("without an end", end="")
        assert sys.stdout.writable()
    assert shown(daemon) == [
        [
            "[build.py] printed",
            "[build.py] in two parts",
            "[build.py] and more",
            "[build.py] an error",
            "[build.py] INFO mine: logged",
            "[build.py] without an end",
        ]
    ]
    assert (sys.stdout, sys.stderr, logging.root.level, list(logging.root.handlers)) == before


def test_lines_of_threads_are_not_mixed(daemon: FakeGateway) -> None:
    half = threading.Barrier(2)

    def work(name: str) -> None:
        print(name, end="")
        half.wait()
        print(f" of {name}")

    with Output("build.py").shown(daemon.connect()):
        threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (names,) = shown(daemon)
    assert sorted(filter(None, names)) == ["[build.py] one of one", "[build.py] two of two"]


def test_what_was_printed_is_shown_of_a_build_that_fails(daemon: FakeGateway) -> None:
    def build() -> None:
        with Output("build.py").shown(daemon.connect()):
            print("printed")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        build()
    assert shown(daemon) == [["[build.py] printed"]]


def test_output_that_cannot_be_shown_is_no_error_of_the_build(
    fake_gateway: Callable[..., FakeGateway],
) -> None:
    daemon = fake_gateway(errors={"Solve": RemoteError("not now", code=2)})
    with Output("build.py").shown(daemon.connect()):
        print("printed")
    assert daemon.solves == ()


def test_a_build_file_that_prints_nothing_asks_for_nothing(daemon: FakeGateway) -> None:
    with Output("build.py").shown(daemon.connect()):
        pass
    assert daemon.solves == ()
