"""``python -m frontend``: serve Dockerfiles and build files to the daemon that started it."""

from __future__ import annotations

import subprocess
import sys

from llb.testing.graphs import assert_runs, steps
from tests.fakes.program import run_program

DOCKERFILE = "FROM alpine\nARG A=1\nRUN echo $A\n"
BUILD_FILE = """\
import logging
from llb import State
from llb.buildfile import Build, target

@target
def app(build: Build, a: str = "1") -> State:
    print("building", a)
    logging.info("logged")
    return build.image("alpine").run(f"echo {a}")
"""


def test_a_dockerfile_is_served() -> None:
    served = run_program(
        "-m", "frontend", options={"build-arg:A": "2"}, files={"Dockerfile": DOCKERFILE}
    )
    assert (served.status, served.stderr) == (0, "")
    assert assert_runs(served.definition, "echo $A").env["A"] == "2"


def test_a_build_file_is_served_and_its_output_is_shown() -> None:
    served = run_program(
        "-m", "frontend", options={"filename": "build.py"}, files={"build.py": BUILD_FILE}
    )
    assert (served.status, served.stderr) == (0, "")
    assert [step.name for step in steps(served.definition)][1:] == [None]
    assert_runs(served.definition, "echo 1")


def test_an_unknown_argument_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "frontend", "--labs"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: expected no arguments, got --labs\n",
    )
