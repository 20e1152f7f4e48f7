"""Targets are built at the same time, with links between them, on a fake daemon."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from llb import Image, bake
from llb.client import Client, Event, Vertex
from llb.errors import BakeFileError, InvalidValueError, SolveError
from llb.gateway import Result
from llb.testing import FakeDaemon
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.gateway import Gateway, Request

CONFIG = b'{"os":"linux"}'
PLATFORMS = ["linux/amd64", "linux/arm64"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory, which is the context of all targets."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)


def stage(request: Request, gateway: Gateway) -> Result:
    """Build an image that has the name of the stage."""
    ref = gateway.solve(Image(request.options["target"]).run("make").marshal())
    return Result(ref, metadata={"containerimage.config": CONFIG})


def test_a_target_gets_the_results_of_those_that_it_uses() -> None:
    seen: dict[str, dict[str, str]] = {}

    def frontend(request: Request, gateway: Gateway) -> Result:
        name = request.options["target"]
        seen[name] = dict(request.options)
        if name == "app":
            seen["inputs"] = dict.fromkeys(gateway.inputs(), "")
        return stage(request, gateway)

    contexts = {"one": "target:base", "two": "target:base"}
    plan = bake.Plan(
        [
            bake.Target("base", target="base"),
            bake.Target("app", target="app", contexts=contexts),
            bake.Target("docs", target="docs", contexts={"tools": "target:app"}),
        ]
    )
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
    ):
        results = bake.build(plan, client, targets="docs")
    assert sorted(results) == ["app", "base", "docs"]
    assert seen["app"]["context:one"] == seen["app"]["context:two"] == "input:base"
    assert "containerimage.config" in seen["app"]["input-metadata:base"]
    assert list(seen["inputs"]) == ["base"]
    assert seen["docs"]["context:tools"] == "input:app"


def test_a_target_for_platforms_is_a_context_for_each() -> None:
    seen: dict[str, str] = {}

    def frontend(request: Request, gateway: Gateway) -> Result:
        if request.options["target"] == "app":
            seen.update(request.options)
            return stage(request, gateway)
        refs = {
            name: gateway.solve(Image(name).run("make").marshal())
            for name in ("linux/amd64", "linux/arm64")
        }
        return Result(refs=refs, metadata={"containerimage.config/linux/arm64": CONFIG})

    plan = bake.Plan(
        [
            bake.Target("base", target="base", platforms=["linux/amd64", "linux/arm64"]),
            bake.Target("app", target="app", contexts={"b": "target:base"}),
        ]
    )
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
    ):
        bake.build(plan, client, targets=["app"])
    assert seen["context:b::linux/amd64"] == "input:base::linux/amd64"
    assert seen["context:b::linux/arm64"] == "input:base::linux/arm64"
    assert "input-metadata:base::linux/amd64" not in seen
    assert "input-metadata:base::linux/arm64" in seen


def test_the_first_failure_cancels_the_other_builds() -> None:
    is_running, may_end = threading.Event(), threading.Event()

    def frontend(request: Request, gateway: Gateway) -> Result:
        if request.options["target"] == "broken":
            assert is_running.wait(SECONDS)
            raise InvalidValueError("no such stage")
        is_running.set()
        assert may_end.wait(SECONDS)
        return stage(request, gateway)

    plan = bake.Plan([bake.Target(name, target=name) for name in ("slow", "broken")])
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
    ):
        try:
            with pytest.raises(SolveError, match=r"^target broken: no such stage"):
                bake.build(plan, client, targets=["*"])
        finally:
            may_end.set()


def test_a_target_is_not_built_if_one_that_it_uses_fails() -> None:
    def frontend(request: Request, _: Gateway) -> Result:
        raise InvalidValueError(f"no stage {request.options['target']}")

    plan = bake.Plan(
        [
            bake.Target("base", target="base"),
            bake.Target("app", target="app", contexts={"b": "target:base"}),
        ]
    )
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
        pytest.raises(SolveError, match=r"^target base: no stage base"),
    ):
        bake.build(plan, client, targets=["app"])


def test_steps_are_named_with_their_target() -> None:
    events: list[Event] = []
    plan = bake.Plan([bake.Target(name, target=name) for name in ("a", "b")])
    with (
        FakeDaemon(frontends={"dockerfile.v0": stage}) as daemon,
        Client(daemon.address) as client,
    ):
        bake.build(plan, client, targets=["*"], on_event=events.append)
    names = {event.name for event in events if isinstance(event, Vertex)}
    assert {"[a] make", "[b] make"} <= {name.replace("run ", "") for name in names}, names


@pytest.fixture
def pair(fake_daemon: Callable[..., FakeDaemon]) -> list[FakeDaemon]:
    """A daemon of amd64, and one of arm64."""
    options = {"frontends": {"dockerfile.v0": stage}}
    return [fake_daemon(platforms=[name], **options) for name in PLATFORMS]


def test_targets_are_built_on_the_nodes_of_their_platforms(pair: list[FakeDaemon]) -> None:
    events: list[Event] = []
    plan = bake.Plan(
        [
            bake.Target("all", target="all", platforms=PLATFORMS),
            bake.Target("arm", target="arm", platforms=PLATFORMS[1:]),
        ]
    )
    addresses = [daemon.address for daemon in pair]
    with Client(addresses) as client:
        bake.build(plan, client, targets=["*"], on_event=events.append)
    built = [
        sorted((build.frontend_attrs["target"], build.frontend_attrs["platform"]) for build in one)
        for one in (daemon.builds for daemon in pair)
    ]
    assert built == [[("all", "linux/amd64")], [("all", "linux/arm64"), ("arm", "linux/arm64")]]
    names = {event.name for event in events if isinstance(event, Vertex)}
    for address in addresses:
        assert any(name.startswith(f"[all {address}] ") for name in names), names


def test_a_target_cannot_use_the_result_of_another_node(pair: list[FakeDaemon]) -> None:
    base = bake.Target("base", target="base", platforms=PLATFORMS[:1])
    app = bake.Target("app", target="app", platforms=PLATFORMS, contexts={"b": "target:base"})
    addresses = [daemon.address for daemon in pair]
    message = (
        f"app: cannot use the target base, because that is not built on the node {addresses[1]}"
    )
    with Client(addresses) as client, pytest.raises(BakeFileError, match=message):
        bake.build(bake.Plan([base, app]), client, targets=["app"])
    assert [daemon.builds for daemon in pair] == [(), ()]


def test_targets_use_the_results_of_their_node(fake_daemon: Callable[..., FakeDaemon]) -> None:
    seen: dict[str, dict[str, str]] = {}

    def frontend(request: Request, gateway: Gateway) -> Result:
        options = dict(request.options)
        platform, name = options["platform"], options["target"]
        if name == "app":
            seen[platform] = {**options, "inputs": ",".join(gateway.inputs())}
        ref = gateway.solve(Image(name).run("make").marshal())
        return Result(refs={platform: ref}, metadata={f"containerimage.config/{platform}": CONFIG})

    daemons = [
        fake_daemon(platforms=[name], frontends={"dockerfile.v0": frontend}) for name in PLATFORMS
    ]
    plan = bake.Plan(
        [
            bake.Target("base", target="base", platforms=[*PLATFORMS, "linux/arm/v7"]),
            bake.Target("unused", target="base", platforms=PLATFORMS),
            bake.Target("app", target="app", platforms=PLATFORMS, contexts={"b": "target:base"}),
            bake.Target(
                "arm", target="arm", platforms=PLATFORMS[1:], contexts={"b": "target:unused"}
            ),
        ]
    )
    with Client([daemon.address for daemon in daemons]) as client:
        bake.build(plan, client, targets=["app", "arm"])
    assert sorted(seen) == PLATFORMS
    for platform, base in zip(
        PLATFORMS, (PLATFORMS[0], f"{PLATFORMS[1]},linux/arm/v7"), strict=True
    ):
        assert seen[platform]["multi-platform"] == "true"
        assert seen[platform][f"context:b::{base}"] == f"input:base::{base}"
        assert seen[platform]["inputs"] == f"base::{base}"


def test_a_build_file_with_links_needs_one_node(pair: list[FakeDaemon], tmp_path: Path) -> None:
    (tmp_path / "build.py").write_text("")
    base = bake.Target("base", target="base", platforms=PLATFORMS)
    app = bake.Target(
        "app", dockerfile="build.py", platforms=PLATFORMS, contexts={"b": "target:base"}
    )
    with (
        Client([daemon.address for daemon in pair]) as client,
        pytest.raises(BakeFileError, match="target app: a build file that uses other targets"),
    ):
        bake.build(bake.Plan([base, app]), client, targets=["app"])


def test_linked_targets_may_be_built_on_another_node_than_the_first(
    pair: list[FakeDaemon],
) -> None:
    base = bake.Target("base", target="base", platforms=PLATFORMS[1:])
    app = bake.Target("app", target="app", platforms=PLATFORMS[1:], contexts={"b": "target:base"})
    with Client([daemon.address for daemon in pair]) as client:
        bake.build(bake.Plan([base, app]), client, targets=["app"])
    assert [len(daemon.builds) for daemon in pair] == [0, 2]


def test_a_target_that_is_not_there_is_an_error() -> None:
    with FakeDaemon() as daemon, Client(daemon.address) as client:
        with pytest.raises(BakeFileError, match="'app'"):
            bake.build(bake.Plan(), client, targets=["app"])
        assert daemon.builds == ()
