"""The options of --jobs, as buildx reads them, and what they mean for the builds of targets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from llb import Scratch, bake
from llb.bake.building.jobs import Jobs
from llb.client import Client
from llb.errors import CancelledError, InvalidValueError, SolveError
from llb.gateway import Result
from llb.testing import FakeDaemon
from tests.timing import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from llb.client import SolveResult
    from llb.gateway import Gateway, Request

TREE = Scratch().mkfile("/file", "content")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory, which is the context of all targets."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)


def plan_of(*names: str) -> bake.Plan:
    return bake.Plan([bake.Target(name, target=name) for name in names])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Jobs()),
        ("0", Jobs()),
        (" 2 ", Jobs(parallel=2)),
        ("defer-error", Jobs("defer-error")),
        ("mode=defer-output", Jobs("defer-output")),
        ("Parallel=3 , defer-error", Jobs("defer-error", 3)),
    ],
)
def test_options_are_a_mode_and_a_number(text: str, expected: Jobs) -> None:
    assert Jobs.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defer-errors", "unknown mode 'defer-errors' (did you mean defer-error?)"),
        ("-1", "'-1' is not a number of targets"),
        ("parallel=many", "'many' is not a number of targets"),
        ("2,3", "two values for parallel"),
        ("paralel=2", "unknown key 'paralel' (did you mean parallel?)"),
        ('"2', 'parse error on line 1, column 2: extraneous or missing " in quoted-field'),
    ],
)
def test_invalid_options_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Jobs.parse(text)
    assert f"invalid jobs {text!r}: {message.partition(' (')[0]}" == caught.value.message
    if "did you mean" in message:
        assert f"({caught.value.hint})" in message


@pytest.mark.parametrize("jobs", ["1", "defer-output,parallel=2"])
def test_targets_that_need_each_other_need_enough_jobs(jobs: str) -> None:
    plan = plan_of("one", "two").with_target(
        bake.Target("three", target="three", contexts={"b": "target:one"})
    )
    with (
        FakeDaemon() as daemon,
        Client(daemon.address) as client,
        pytest.raises(InvalidValueError, match="but there are 3: ") as caught,
    ):
        bake.build(plan, client, targets=["*"], jobs=jobs)
    assert caught.value.hint == "allow 3 or more"
    assert daemon.builds == ()


def test_no_more_targets_than_allowed_are_built_at_the_same_time() -> None:
    lock = threading.Lock()
    running, most = 0, 0

    def frontend(request: Request, gateway: Gateway) -> Result:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        ref = gateway.solve(TREE.marshal())
        with lock:
            running -= 1
        return Result(ref)

    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
    ):
        results = bake.build(plan_of("a", "b", "c", "d"), client, targets=["*"], jobs=1)
    assert (len(results), most) == (4, 1)


def test_other_targets_are_built_although_one_fails() -> None:
    may_end = threading.Event()

    def frontend(request: Request, gateway: Gateway) -> Result:
        if request.options["target"] in ("broken", "worse"):
            may_end.set()
            raise InvalidValueError(f"no stage {request.options['target']}")
        assert may_end.wait(SECONDS)
        return Result(gateway.solve(TREE.marshal()))

    plan = plan_of("good", "broken", "worse").with_target(
        bake.Target("after", target="after", contexts={"b": "target:broken"})
    )
    results: dict[str, SolveResult] = {}
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
        pytest.raises(ExceptionGroup, match="3 targets failed") as caught,
    ):
        bake.build(plan, client, targets=["*"], jobs="defer-error", on_result=results.__setitem__)
    assert list(results) == ["good"]
    kinds = [type(error) for error in caught.value.exceptions]
    assert kinds == [SolveError, SolveError, CancelledError]
    assert str(caught.value.exceptions[2]).startswith("target after: the target broken, which")


def test_nothing_is_exported_before_all_targets_are_built() -> None:
    solved: list[str] = []

    def frontend(request: Request, gateway: Gateway) -> Result:
        solved.append(request.options["target"])
        return Result(gateway.solve(TREE.marshal()))

    def export(_: object) -> dict[str, str]:
        # The script of the fake daemon runs after the function of the client.
        return {"solved": str(len(solved))}

    plan = plan_of("one", "two").with_target(
        bake.Target("three", target="three", contexts={"b": "target:one"})
    )
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}, script=export) as daemon,
        Client(daemon.address) as client,
    ):
        results = bake.build(plan, client, targets=["*"], jobs="defer-output")
    assert {result.metadata["solved"] for result in results.values()} == {"3"}


def test_nothing_is_exported_if_one_target_fails() -> None:
    def frontend(request: Request, gateway: Gateway) -> Result:
        if request.options["target"] == "broken":
            raise InvalidValueError("no such stage")
        return Result(gateway.solve(TREE.marshal()))

    results: dict[str, SolveResult] = {}
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
        pytest.raises(SolveError, match=r"^target broken: no such stage"),
    ):
        bake.build(
            plan_of("one", "broken"),
            client,
            targets=["*"],
            jobs="defer-output",
            on_result=results.__setitem__,
        )
    assert results == {}
