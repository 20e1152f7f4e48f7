"""``llb builder``: create, choose, list, inspect and remove builders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client import Builder
from tests.fakes.command import llb
from tests.fakes.docker_engine import current_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing import FakeDaemon
    from tests.fakes.docker_engine import FakeDockerEngine


@pytest.fixture
def buildkit(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    return fake_daemon(version="v0.34.2")


@pytest.fixture(autouse=True)
def docker(
    buildkit: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    with current_docker(tmp_path, monkeypatch, buildkit.address) as engine:
        yield engine


def ok(*arguments: str) -> str:
    ran = llb("builder", *arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout


def nodes(name: str) -> list[str]:
    return [node.name for node in Builder.load(name).nodes]


def test_a_builder_is_created_with_all_options(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("debug = true\n")
    options = (
        *("--driver", "docker-container", "--node", "first", "--use"),
        *("--platform", "linux/amd64,linux/386", "--platform", "linux/arm64"),
        *("--driver-opt", 'network=host,"env.A=b,c"', "--driver-opt", "memory=1g"),
        *(
            "--buildkitd-flags",
            "--debug --group 5",
            "--buildkitd-config",
            str(tmp_path / "my.toml"),
        ),
    )
    assert ok("create", "--name", "ci", *options, "unix:///other.sock") == "ci\n"
    builder = Builder.current()
    (node,) = builder.nodes
    assert (builder.name, node.name, node.endpoint) == ("ci", "first", "unix:///other.sock")
    assert list(map(str, node.platforms)) == ["linux/amd64", "linux/386", "linux/arm64"]
    assert node.driver_opts == {"network": "host", "env.A": "b,c", "memory": "1g"}
    assert node.buildkitd_flags[:3] == ("--debug", "--group", "5")
    assert node.files == {"buildkitd.toml": b"debug = true\n"}


def test_nodes_are_added_changed_and_removed() -> None:
    ok("create", "--name", "ci")
    ok("create", "--name", "ci", "--append", "ssh://arm")
    ok("create", "--name", "ci", "--node", "ci1", "--driver-opt", "network=host")
    assert nodes("ci") == ["ci0", "ci1"]
    assert Builder.load("ci").nodes[1].driver_opts == {"network": "host"}
    ok("create", "--name", "ci", "--node", "ci0", "--leave")
    assert nodes("ci") == ["ci1"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("create", "--append", "ssh://a"), 2, "--append needs --name"),
        (("create", "--leave", "--name", "ci"), 2, "--leave needs --name and --node"),
        (("create", "--driver", "cloud"), 2, "unknown driver 'cloud'"),
        (("create", "--driver-opt", "network"), 1, "invalid --driver-opt 'network': expected key="),
        (("create", "--name", "default"), 1, "'default' exists already: it is a Docker context"),
        (("use", "ci"), 1, "unknown builder 'ci'"),
        (("rm", "--all-inactive", "ci"), 2, "--all-inactive takes no names"),
        (("rm",), 1, "the builder 'default' is a Docker context"),
        (("stop", "ci"), 1, "unknown builder 'ci'"),
    ],
)
def test_mistakes_are_errors(arguments: tuple[str, ...], status: int, message: str) -> None:
    ran = llb("builder", *arguments)
    assert (ran.status, ran.stdout) == (status, "")
    assert message in ran.stderr


def test_a_build_uses_the_builder_that_is_named_or_chosen(buildkit: FakeDaemon) -> None:
    ok("create", "--name", "near")
    ok("create", "--name", "far", "--driver", "remote", buildkit.address)
    assert llb("ping", "--builder", "far").status == 0
    assert llb("info", "--builder", "near").status == 0
    assert llb("ping", "--builder", "far", "--addr", buildkit.address).stderr.endswith(
        "--builder conflicts with --addr\n"
    )
    ok("use", "far")
    assert Builder.current().name == "far"
    ok("use", "--global", "near")
    ok("use", "--default", "near")
    assert Builder.current().name == "near"


def test_builders_are_listed_with_their_nodes(docker: FakeDockerEngine) -> None:
    ok("create", "--name", "ci", "--use", "--bootstrap", "--platform", "linux/arm64")
    ok("create", "--name", "off")
    rows = [line.split() for line in ok("ls").splitlines()]
    assert rows[0] == ["NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS"]
    assert rows[1] == ["ci*", "docker-container"]
    assert rows[2][:6] == ["└", "ci0", "└", docker.address, "running", "v0.34.2"]
    assert rows[2][6:] == ["linux/arm64*,", "linux/amd64"]
    assert rows[3:5] == [
        ["off", "docker-container"],
        ["└", "off0", "└", docker.address, "inactive"],
    ]
    listed = [json.loads(line) for line in ok("ls", "--json").splitlines()]
    assert [(item["name"], item["current"]) for item in listed] == [
        ("ci", True),
        ("off", False),
        ("default", False),
    ]
    assert listed[0]["nodes"][0]["status"] == "running"


def test_a_builder_is_inspected(docker: FakeDockerEngine) -> None:
    ok("create", "--name", "ci", "--driver-opt", "network=host", "--buildkitd-flags", "--debug")
    lines = ok("inspect", "ci", "--bootstrap").splitlines()
    assert lines[:3] == ["name           ci", "driver         docker-container", lines[2]]
    assert lines[2].startswith("last activity  ")
    assert lines[4:8] == [
        "node           ci0",
        f"endpoint       {docker.address}",
        "options        network=host",
        "status         running",
    ]
    assert "version        v0.34.2" in lines
    shown = json.loads(ok("inspect", "--json"))
    assert (shown["name"], shown["driver"], shown["current"]) == ("default", "docker", True)
    docker.answers["/containers/buildx_buildkit_ci0/json"] = (500, b'{"message": "broken"}')
    assert "error          cannot look at the container buildx_buildkit_ci0: broken" in ok(
        "inspect", "ci"
    )


def test_builders_are_stopped_started_and_removed(docker: FakeDockerEngine) -> None:
    for name in ("one", "two", "three"):
        ok("create", "--name", name, "--bootstrap")
    ok("stop", "two")
    ok("stop", "three")
    ok("bootstrap", "three")
    ran = llb("builder", "rm", "--all-inactive")
    assert (ran.status, ran.stderr) == (0, "two removed\n")
    ran = llb("builder", "rm", "one", "three", "--keep-daemon")
    assert (ran.status, ran.stderr) == (0, "one removed\nthree removed\n")
    assert set(docker.states) == {"buildx_buildkit_one0", "buildx_buildkit_three0"}
    assert [builder.name for builder in Builder.list()] == ["default"]
