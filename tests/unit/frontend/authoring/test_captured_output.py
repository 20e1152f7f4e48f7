"""Printed and logged output of a build file is shown as the names of steps."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from llb.errors import RemoteError
from llb.frontend.authoring.captured_output import CapturedOutput
from llb.testing.graphs import steps

# ruff: noqa: T201 - these tests print

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.testing.gateway import FakeGateway


@pytest.fixture
def daemon(fake_gateway: Callable[..., FakeGateway]) -> FakeGateway:
    return fake_gateway()


def shown(daemon: FakeGateway) -> list[list[str | None]]:
    """Collect the names of the steps of each solve."""
    assert all(solve.evaluate for solve in daemon.solves)
    return [
        [step.name for step in steps(solve.definition)]
        for solve in daemon.solves
        if solve.definition is not None
    ]


def test_lines_are_shown_once_and_in_order(daemon: FakeGateway) -> None:
    gateway, output = daemon.connect(), CapturedOutput("build.py")
    output.add("one")
    output.add("two")
    output.show(gateway)
    output.add("three")
    output.show(gateway)
    output.show(gateway)
    assert shown(daemon) == [["[build.py] one", "[build.py] two"], ["[build.py] three"]]


def test_a_long_line_is_cut_and_many_lines_are_counted(daemon: FakeGateway) -> None:
    output = CapturedOutput("build.py")
    for number in range(103):
        output.add(f"{number} " + "x" * 600)
    output.show(daemon.connect())
    (names,) = shown(daemon)
    assert len(names) == 101
    assert names[0] == "[build.py] 0 " + "x" * 498
    assert names[-1] == "[build.py] ... and 3 more lines"


def test_printed_and_logged_output_is_captured(daemon: FakeGateway) -> None:
    before = sys.stdout, sys.stderr, logging.root.level, list(logging.root.handlers)
    with CapturedOutput("build.py").capture(daemon.connect()):
        print("printed")
        print("in two", end="")
        print(" parts\nand more", file=sys.stdout)
        sys.stderr.write("an error\n")
        logging.getLogger("mine").info("logged")
        logging.getLogger("__build_3__.ci.steps").info("logged by a module")
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
            "[build.py] INFO ci.steps: logged by a module",
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

    with CapturedOutput("build.py").capture(daemon.connect()):
        threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    (names,) = shown(daemon)
    assert sorted(filter(None, names)) == ["[build.py] one of one", "[build.py] two of two"]


def test_the_output_of_a_failing_build_is_shown(daemon: FakeGateway) -> None:
    def build() -> None:
        with CapturedOutput("build.py").capture(daemon.connect()):
            print("printed")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        build()
    assert shown(daemon) == [["[build.py] printed"]]


def test_output_that_cannot_be_shown_does_not_fail_the_build(
    fake_gateway: Callable[..., FakeGateway],
) -> None:
    daemon = fake_gateway(errors={"Solve": RemoteError("not now", code=2)})
    with CapturedOutput("build.py").capture(daemon.connect()):
        print("printed")
    assert daemon.solves == ()


def test_no_output_causes_no_solve(daemon: FakeGateway) -> None:
    with CapturedOutput("build.py").capture(daemon.connect()):
        pass
    assert daemon.solves == ()
