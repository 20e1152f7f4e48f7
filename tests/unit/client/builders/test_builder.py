"""Builders are created, used, changed, started and removed."""

from __future__ import annotations

import io
import json
import tarfile
import tomllib
from typing import TYPE_CHECKING

import pytest

from llb import Scratch
from llb.client import Builder, BuilderNode, Client
from llb.errors import ConnectError, InputError, InvalidValueError
from llb.platforms import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from llb.testing import FakeDaemon
    from tests.fakes.docker_engine import FakeDockerEngine

STATE = Scratch().mkfile("/a", "x")
HOST_NETWORK = "--allow-insecure-entitlement=network.host"
CONTAINER = "buildx_buildkit_ci0"


def created(docker: FakeDockerEngine) -> dict[str, object]:
    """The content of the call that created a container."""
    (call,) = (call for call in docker.calls if call.target.startswith("/containers/create"))
    return dict(call.content)


def test_a_builder_has_a_node_on_the_current_docker(docker: FakeDockerEngine) -> None:
    builder = Builder.create("ci")
    assert (builder.name, builder.driver) == ("ci", "docker-container")
    assert builder.nodes == (BuilderNode("ci0", docker.address, buildkitd_flags=(HOST_NETWORK,)),)
    assert docker.calls == []
    assert Builder.load("CI").nodes == builder.nodes
    assert repr(builder) == "<Builder ci (docker-container, 1 nodes)>"


def test_a_client_starts_the_daemon_of_its_builder(
    docker: FakeDockerEngine, buildkit: FakeDaemon
) -> None:
    Builder.create("ci")
    with Client("builder://ci") as client:
        assert client.address == f"docker-container://{CONTAINER}"
        client.solve(STATE)
    assert len(buildkit.builds) == 1
    assert [call.target for call in docker.calls] == [
        "/images/create?fromImage=moby/buildkit&tag=buildx-stable-1",
        f"/containers/create?name={CONTAINER}",
        f"/containers/{CONTAINER}/start",
    ]
    with Client("builder://ci") as client:
        client.ping()
    assert len(docker.calls) == 3
    docker.states[CONTAINER] = "exited"
    with Client("builder://ci") as client:
        client.ping()
    assert docker.calls[3:] == docker.calls[2:3]


def test_a_container_has_the_form_of_buildx(docker: FakeDockerEngine) -> None:
    options = {
        "image": "example.com/buildkit",
        "network": "host",
        "memory": "1g",
        "memory-swap": "-1",
        "cpu-period": "100000",
        "cpu-quota": "50000",
        "cpu-shares": "512",
        "cpuset-cpus": "0-1",
        "cpuset-mems": "0",
        "restart-policy": "on-failure:3",
        "env.HTTP_PROXY": "http://proxy",
        "env.A": "b=c",
        "default-load": "true",
    }
    docker.info = {"CgroupDriver": "cgroupfs", "SecurityOptions": ["name=userns", "name=seccomp"]}
    Builder.create("ci", driver_opts=options, buildkitd_flags="--debug '--root=/a b'").start()
    assert created(docker) == {
        "Image": "example.com/buildkit",
        "HostConfig": {
            "Privileged": True,
            "Init": True,
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
            "NetworkMode": "host",
            "Memory": 2**30,
            "MemorySwap": -1,
            "CpuPeriod": 100_000,
            "CpuQuota": 50_000,
            "CpuShares": 512,
            "CpusetCpus": "0-1",
            "CpusetMems": "0",
            "CgroupParent": "/docker/buildx",
            "UsernsMode": "host",
            "Mounts": [
                {"Type": "volume", "Source": f"{CONTAINER}_state", "Target": "/var/lib/buildkit"}
            ],
        },
        "Cmd": ["--debug", "--root=/a b", HOST_NETWORK],
        "Env": ["A=b=c", "HTTP_PROXY=http://proxy"],
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memoryy": "1g"}, "unknown attribute 'memoryy' of the driver docker-container"),
        ({"env.": "1"}, "unknown attribute 'env.' of the driver"),
        ({"memory": "much"}, "invalid memory 'much': expected a size such as 64m"),
        ({"cpu-quota": "half"}, "invalid cpu-quota=half: expected a whole number"),
        ({"restart-policy": "always:3"}, "invalid restart-policy=always:3: expected no, always"),
        ({"default-load": "maybe"}, "invalid default-load 'maybe': expected true or false"),
    ],
)
def test_invalid_options_of_a_container_are_refused(
    options: dict[str, str], message: str, docker: FakeDockerEngine
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Builder.create("ci", driver_opts=options)
    assert [builder.name for builder in Builder.list()] == ["default"]


@pytest.mark.parametrize(
    ("flags", "config", "expected"),
    [
        ("", "", (HOST_NETWORK,)),
        ("--allow-insecure-entitlement=security.insecure", "", ()),
        ("--allow-insecure-entitlement network.host", "", ()),
        ("", 'insecure-entitlements = ["network.host"]', ()),
        ("", 'insecure-entitlements = ["security.insecure"]', (HOST_NETWORK,)),
    ],
)
def test_builds_may_use_the_network_of_the_container(
    flags: str, config: str, expected: tuple[str, ...], docker: FakeDockerEngine, tmp_path: Path
) -> None:
    (tmp_path / "buildkitd.toml").write_text(config)
    builder = Builder.create(
        "ci", buildkitd_flags=flags, buildkitd_config=tmp_path / "buildkitd.toml"
    )
    assert builder.nodes[0].buildkitd_flags == (*flags.split(), *expected)


def test_a_configuration_is_copied_into_the_container(
    docker: FakeDockerEngine, tmp_path: Path
) -> None:
    for name in ("ca.pem", "key.pem", "cert.pem"):
        (tmp_path / name).write_text(name)
    config = f"""\
debug = true
[registry."a.com:5000"]
ca = ["{tmp_path}/ca.pem"]
[[registry."a.com:5000".keypair]]
key = "{tmp_path}/key.pem"
cert = "{tmp_path}/cert.pem"
"""
    (tmp_path / "my.toml").write_text(config)
    Builder.create("ci", buildkitd_config=tmp_path / "my.toml").start()
    assert created(docker)["Cmd"] == ["--config", "/etc/buildkit/buildkitd.toml", HOST_NETWORK]
    ((folder, archive),) = docker.unpacked
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {
            entry.name: None if entry.isdir() else tar.extractfile(entry).read().decode()  # type: ignore[union-attr]
            for entry in tar
        }
    folders = ["buildkit", "buildkit/certs", "buildkit/certs/a.com_5000"]
    assert list(files)[:3] == folders
    certificates = "/etc/buildkit/certs/a.com_5000"
    certificate = {"key": f"{certificates}/key.pem", "cert": f"{certificates}/cert.pem"}
    registry = {"ca": [f"{certificates}/ca.pem"], "keypair": [certificate]}
    content = tomllib.loads(files.pop("buildkit/buildkitd.toml") or "")
    assert content == {"debug": True, "registry": {"a.com:5000": registry}}
    assert folder == "/etc"
    assert {name: text for name, text in files.items() if text} == {
        f"{folders[2]}/{name}": name for name in ("ca.pem", "key.pem", "cert.pem")
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("debug =", "my.toml is not TOML: Invalid value"),
        ("registry = 1", "my.toml: registry is not a table"),
        ('registry."a" = 1', "my.toml: the registry 'a' is not a table"),
        ('registry."a".ca = 1', "ca or keypair of the registry 'a' is not a list"),
        ('registry."a".keypair = [1]', "a keypair of the registry 'a' is not a table"),
        ('registry."a".ca = [1]', "a certificate of the registry 'a' is not a path"),
        (
            'registry."a".ca = ["/no/ca.pem"]',
            "cannot read /no/ca.pem, a certificate of the registry 'a': No such file or directory",
        ),
    ],
)
def test_an_invalid_configuration_is_refused(
    config: str, message: str, docker: FakeDockerEngine, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(config)
    with pytest.raises(InputError, match=message):
        Builder.create("ci", buildkitd_config=tmp_path / "my.toml")


def test_a_configuration_is_read_and_refused_with_an_address_of_a_daemon(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    with pytest.raises(InputError, match=r"my\.toml, the configuration of buildkitd: No such file"):
        Builder.create("ci", endpoint="tcp://a:1", driver="remote", buildkitd_config=config)
    config.write_text("insecure-entitlements = 1\n")
    with pytest.raises(InvalidValueError, match="the driver remote takes no configuration"):
        Builder.create("ci", endpoint="tcp://a:1", driver="remote", buildkitd_config=config)


def test_the_default_configuration_is_in_the_store(
    docker: FakeDockerEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "config" / "buildx"
    folder.mkdir(parents=True)
    (folder / "buildkitd.default.toml").write_text("debug = true\n")
    assert Builder.create("ci").nodes[0].files == {"buildkitd.toml": b"debug = true\n"}


def test_the_job_of_github_is_described_in_the_container(
    docker: FakeDockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "event.json").write_text('{"ref": "main"}')
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_ACTOR": "me",
        "GITHUB_ACTOR_ID": "1",
        "GITHUB_TRIGGERING_ACTOR": "me",
        "GITHUB_REF": "main",
    }.items():
        monkeypatch.setenv(name, value)
    Builder.create("with").start()
    Builder.create("without", driver_opts={"provenance-add-gha": "false"}).start()
    ((_, archive),) = docker.unpacked
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile("buildkit/provenance.d/github_actions_context.json")
        assert file is not None
        assert json.load(file) == {
            "github_event_name": "push",
            "github_event_payload": {"ref": "main"},
            "github_actor": "me",
            "github_actor_id": "1",
            "github_triggering_actor": "me",
        }


def test_without_a_registry_the_image_of_docker_is_used(docker: FakeDockerEngine) -> None:
    docker.answers["/images/create"] = (500, b'{"message": "no network"}')
    Builder.create("ci").start()
    assert CONTAINER in docker.states
    docker.images = set()
    Builder.create("other")
    with pytest.raises(ConnectError, match=r"cannot start .*_other0: no network"):
        Builder.load("other").start()


def test_a_container_that_ends_is_an_error_with_its_output(docker: FakeDockerEngine) -> None:
    docker.next_state = "exited"
    with pytest.raises(InputError, match="the daemon of the node 'ci0' has ended: no runc / giv"):
        Builder.create("ci").start()


def test_a_remote_builder_has_an_address(docker: FakeDockerEngine, buildkit: FakeDaemon) -> None:
    builder = Builder.create("far", driver="remote", endpoint=buildkit.address)
    assert builder.nodes == (BuilderNode("far0", buildkit.address),)
    builder.start()
    with Client("builder://far") as client:
        assert client.address == buildkit.address
    builder.stop()
    builder.remove()
    assert docker.calls == []


def test_a_remote_builder_is_at_the_host_of_the_environment(
    docker: FakeDockerEngine, buildkit: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidValueError, match="needs the address of a BuildKit"):
        Builder.create("far", driver="remote")
    monkeypatch.setenv("BUILDKIT_HOST", buildkit.address)
    builder = Builder.create("far")
    assert (builder.driver, builder.nodes[0].endpoint) == ("remote", buildkit.address)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoint": "10.0.0.5:1234"}, "invalid endpoint '10.0.0.5:1234' for the driver remote"),
        ({"endpoint": "ftp://a"}, "invalid endpoint 'ftp://a'"),
        ({"driver_opts": {"image": "a"}}, "unknown attribute 'image' of the driver remote"),
        ({"driver_opts": {"cacert": "ca.pem"}}, "invalid cacert=ca.pem: expected an absolute path"),
        ({"driver_opts": {"cert": "/c", "cacert": "/a"}}, "needs the options key, too"),
        ({"driver_opts": {"servername": "a"}}, "needs the options cacert, too"),
        ({"driver_opts": {"default-load": "x"}}, "invalid default-load 'x'"),
        ({"buildkitd_flags": "--debug"}, "takes no configuration and no flags"),
    ],
)
def test_invalid_options_of_a_remote_builder_are_refused(
    options: dict[str, object], message: str, docker: FakeDockerEngine
) -> None:
    defaults = {"endpoint": "tcp://10.0.0.5:1234"}
    with pytest.raises(InvalidValueError, match=message):
        Builder.create("far", driver="remote", **defaults | options)  # type: ignore[arg-type]


def test_a_builder_without_a_name_gets_one(docker: FakeDockerEngine) -> None:
    names = {Builder.create().name for _ in range(3)}
    assert len(names) == 3
    assert {builder.name for builder in Builder.list()} == {*names, "default"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("default", "'default' exists already: it is a Docker context"),
        ("CI", "the builder 'CI' exists already"),
        ("1", "invalid name '1'"),
    ],
)
def test_a_name_that_is_taken_or_invalid_is_refused(
    name: str, message: str, docker: FakeDockerEngine
) -> None:
    Builder.create("ci")
    with pytest.raises((InputError, InvalidValueError), match=message):
        Builder.create(name)


def test_an_unknown_builder_is_an_error(docker: FakeDockerEngine) -> None:
    Builder.create("ci")
    with pytest.raises(InputError, match="unknown builder 'cii'") as caught:
        Client("builder://cii")
    assert caught.value.hint == "did you mean ci?"


def test_the_builder_in_use_is_the_default_of_clients(
    docker: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (Builder.current().name, Builder.current().driver) == ("default", "docker")
    Builder.create("ci", use=True)
    other = Builder.create("other")
    assert Builder.current().name == "ci"
    with Client() as client:
        assert client.address == f"docker-container://{CONTAINER}"
    other.use()
    assert Builder.current().name == "other"
    monkeypatch.setenv("BUILDX_BUILDER", "ci")
    assert Builder.current().name == "ci"
    monkeypatch.delenv("BUILDX_BUILDER")
    Builder.load("default").use()
    assert Builder.current().name == "default"


def test_a_docker_context_is_a_builder(docker: FakeDockerEngine, buildkit: FakeDaemon) -> None:
    builder = Builder.load("default")
    (report,) = builder.inspect()
    assert (report.status, report.version) == ("running", "v0.34.2")
    with Client("builder://default") as client:
        client.solve(STATE)
    assert len(buildkit.builds) == 1
    with pytest.raises(InvalidValueError, match="'default' is a Docker context"):
        builder.remove()


def test_nodes_are_added_changed_and_removed(docker: FakeDockerEngine) -> None:
    builder = Builder.create("ci", platforms=["linux/amd64", "linux/arm64"])
    builder.append(endpoint="ssh://arm", platforms=["linux/arm64"])
    assert [(node.name, node.platforms) for node in builder.nodes] == [
        ("ci0", (Platform("linux", "amd64"),)),
        ("ci1", (Platform("linux", "arm64"),)),
    ]
    with pytest.raises(InvalidValueError, match="'ci' has a node 'ci1' already"):
        builder.append("ci1", endpoint="ssh://other")
    with pytest.raises(InvalidValueError, match="has the endpoint ssh://arm already"):
        builder.append(endpoint="ssh://arm")
    builder.change("ci1", driver_opts={"network": "host"}, buildkitd_flags="--debug")
    assert Builder.load("ci").nodes[1].driver_opts == {"network": "host"}
    assert builder.nodes[1].buildkitd_flags == ("--debug", HOST_NETWORK)
    with pytest.raises(InvalidValueError, match="the builder 'ci' has no node 'ci2'"):
        builder.change("ci2", endpoint="ssh://x")
    builder.leave("ci0")
    assert [node.name for node in Builder.load("ci").nodes] == ["ci1"]


def test_reports_have_what_a_daemon_says_and_why_it_does_not(docker: FakeDockerEngine) -> None:
    builder = Builder.create("ci")
    (report,) = builder.inspect()
    assert (report.status, report.version, report.workers) == ("inactive", None, ())
    builder.start()
    (report,) = builder.inspect()
    assert (report.status, report.version, report.error) == ("running", "v0.34.2", None)
    assert [str(platform) for platform in report.workers[0].platforms] == ["linux/amd64"]
    builder.stop()
    assert builder.inspect()[0].status == "stopped"
    docker.answers[f"/containers/{CONTAINER}/json"] = (500, b'{"message": "broken"}')
    (report,) = builder.inspect()
    assert str(report.error) == f"cannot look at the container {CONTAINER}: broken"


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, ["/containers/{}?force=1", "/volumes/{}_state?force=1"]),
        ({"keep_state": True}, ["/containers/{}?force=1"]),
        ({"keep_daemon": True}, []),
    ],
)
def test_a_builder_is_removed_with_its_containers(
    options: dict[str, bool], calls: list[str], docker: FakeDockerEngine
) -> None:
    builder = Builder.create("ci", use=True)
    builder.start()
    docker.calls.clear()
    builder.remove(**options)
    assert [call.target for call in docker.calls] == [call.format(CONTAINER) for call in calls]
    assert [other.name for other in Builder.list()] == ["default"]
    assert Builder.current().name == "default"


def test_a_driver_of_another_program_is_named(docker: FakeDockerEngine, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "buildx" / "instances"
    folder.mkdir(parents=True)
    (folder / "cloud").write_text('{"Name": "cloud", "Driver": "cloud", "Nodes": [{"Name": "a"}]}')
    (report,) = Builder.load("cloud").inspect()
    assert str(report.error).startswith("unknown driver 'cloud': expected docker-container or rem")
