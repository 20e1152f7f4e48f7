"""The BuildKit of a real Docker Engine, over each transport that Docker's CLI supports.

Debian's engine contains a BuildKit of 2021. Features that it lacks must be reported as errors.
"""

from __future__ import annotations

import json
import os
import socket
import tarfile
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch, bind, merge, secret
from llb.client import Client, Vertex, VertexLog, VertexStatus, image, local, oci, tar
from llb.client import docker as docker_export
from llb.errors import (
    CancelledError,
    CapabilityError,
    ConnectError,
    InputError,
    InvalidValueError,
    RemoteError,
    SolveError,
    TransportError,
)
from tests.e2e.conftest import openssl
from tests.e2e.docker_engines import (
    ENGINES,
    NEWER,
    OLD,
    PROGRAM,
    docker,
    has_containerd_store,
    hide_program,
    run_image,
    to_engine,
)
from tests.e2e.registries import (
    PASSWORD,
    USER,
    htpasswd,
    login,
    running_registry,
    write_docker_config,
)
from tests.e2e.servers import HOST_GATEWAY, free_port, running_dockerd, running_sshd
from tests.e2e.test_failures import begin_long_build, check_error, cli
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.client import Event
    from tests.e2e.conftest import Buildctl

# Docker 29 with its containerd store makes OCI images.
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
STORE_HINT = (
    "enable Docker's containerd image store (the feature containerd-snapshotter in its daemon.json), "
    "or build with a separate BuildKit"
)
CONTENT = bytes(range(256)) * 8_000
SERVER_FILES = (("tlscacert", "ca.pem"), ("tlscert", "server.pem"), ("tlskey", "server-key.pem"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority, and certificates for a server and a client."""
    folder = tmp_path_factory.mktemp("certificates")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", cwd=folder)
    for name, key in (("server", "server-key.pem"), ("cert", "key.pem")):
        openssl(
            *(*new, "-keyout", key, "-out", f"{name}.pem", "-subj", f"/CN={name}"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            cwd=folder,
        )
    return folder


@pytest.fixture(scope="module")
def tcp() -> str:
    """The TCP address on which Docker requires certificates."""
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of a Docker Engine with one of its image stores."""
    return str(request.param)


@pytest.fixture(scope="module")
def sock(
    engine: str,
    tmp_path_factory: pytest.TempPathFactory,
    registry: str,
    tcp: str,
    certificates: Path,
) -> Iterator[Path]:
    """The socket of a Docker Engine."""
    tls = [f"--{name}={certificates / file}" for name, file in SERVER_FILES]
    folder = tmp_path_factory.mktemp("docker") / "engine"
    with running_dockerd(
        folder, registry, "--host", tcp, "--tlsverify", *tls, engine=to_engine(engine)
    ) as socket_path:
        yield socket_path


@pytest.fixture(scope="module")
def folder_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(autouse=True)
def no_program(folder_of_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test without ``docker`` on PATH."""
    hide_program(folder_of_programs, monkeypatch)


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Docker configuration, with all variables of Docker's address unset."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.mark.feature("J5")
def test_a_build_uploads_runs_and_exports(sock: Path, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "file").write_bytes(CONTENT)
    events: list[Event] = []
    state = Image("busybox").run(
        "cat /run/secrets/word; cp /in/file /copy",
        mounts=[bind(Local("context"), "/in"), secret("word")],
        network="none",
    )
    with Client(f"unix://{sock}") as client:
        assert client.ping() > 0
        assert [str(platform) for platform in client.workers()[0].platforms][:1] == ["linux/amd64"]
        client.solve(
            state,
            local_dirs={"context": tmp_path / "context"},
            secrets={"word": b"open sesame"},
            exports=[local(tmp_path / "out")],
            on_event=events.append,
        )
        client.solve(
            Local("context"),
            local_dirs={"context": tmp_path / "context"},
            exports=[tar(tmp_path / "out.tar")],
        )
        assert "local source for context" in {record.description for record in client.disk_usage()}
    assert (tmp_path / "out" / "copy").read_bytes() == CONTENT
    assert b"open sesame" in b"".join(
        event.data for event in events if isinstance(event, VertexLog)
    )
    with tarfile.open(tmp_path / "out.tar") as archive:
        member = archive.extractfile("file")
        assert member is not None
        assert member.read() == CONTENT


@pytest.mark.feature("L15")
def test_an_image_is_loaded_into_docker(
    sock: Path, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    (tmp_path / "word").write_text("made here")
    with Client("docker://") as client:
        base = Image("busybox", resolver=client)
        state = base.copy(Local("context"), "/word", src="/word").env("WORD", "said")
        result = client.solve(
            state, local_dirs={"context": tmp_path}, exports=[image("pyllb/made:1,pyllb/made:2")]
        )
    (loaded,) = json.loads(docker("image", "inspect", "pyllb/made:2"))
    assert loaded["RepoTags"] == ["pyllb/made:1", "pyllb/made:2"]
    assert loaded["Id"] == result.digest
    assert "WORD=said" in loaded["Config"]["Env"]
    assert loaded["Config"]["Cmd"] == ["sh"]
    output = run_image("pyllb/made:1", "cat word; env", tmp_path)
    assert "made here" in output
    assert "WORD=said\n" in output


@pytest.mark.feature("L11")
def test_an_image_of_another_buildkit_is_loaded(
    sock: Path, docker_config: Path, buildkit_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    # Its uncompressed layer is larger than what is held back, and than the buffers of a socket.
    state = Scratch().mkfile("/big", CONTENT * 4).env("WORD", "said")
    with Client(buildkit_host) as client:
        client.solve(state, exports=[docker_export(name="pyllb/loaded:1,pyllb/loaded:2")])
        broken = state.run("false")
        with pytest.raises(SolveError):
            client.solve(broken, exports=[docker_export(name="pyllb/broken:1")])
    (loaded,) = json.loads(docker("image", "inspect", "pyllb/loaded:2"))
    assert loaded["RepoTags"] == ["pyllb/loaded:1", "pyllb/loaded:2"]
    assert "WORD=said" in loaded["Config"]["Env"]
    assert docker("image", "ls", "--quiet", "pyllb/broken") == ""


@pytest.mark.feature("J5")
def test_a_dockerfile_is_built_from_the_command_line(
    sock: Path, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY word /\n")
    (tmp_path / "word").write_text("by docker's own frontend")
    process = cli("build", tmp_path, "-t", "pyllb/file", address="docker://")
    assert process.returncode == 0, process.stderr
    assert run_image("pyllb/file", "cat /word", tmp_path) == "by docker's own frontend"


@pytest.mark.feature("J3")
def test_a_buildkit_in_a_container_is_reached(
    sock: Path,
    tcp: str,
    certificates: Path,
    docker_config: Path,
    buildctl: Buildctl,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    daemon = buildctl.address.removeprefix("unix://")
    with Client("docker://") as client:
        programs = Local("programs", include=["buildctl"])
        client.solve(
            Image("busybox").copy(programs, "/bin/buildctl", src="/buildctl"),
            local_dirs={"programs": buildctl.program.parent},
            exports=[image("pyllb/buildctl")],
        )
    detached = ("run", "--detach", "--network=none")
    volume = f"--volume={daemon}:/run/buildkit/buildkitd.sock"
    docker(*detached, "--name=builder", volume, "pyllb/buildctl", "sleep", "300")
    docker(*detached, "--name=bare", "busybox", "sleep", "300")
    docker(*detached, "--name=idle", "pyllb/buildctl", "sleep", "300")
    try:
        with Client("docker-container://builder") as client:
            assert client.info().version == "v0.34.2"
            client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(tmp_path / "out")])
        assert (tmp_path / "out" / "a").read_bytes() == CONTENT
        assert connect_error("docker-container://nobody") == (
            f"no BuildKit answers at docker-container://nobody: unix://{sock}: no container "
            "'nobody' (create it with BuildKitContainer('nobody').start())"
        )
        assert connect_error("docker-container://bare") == (
            "no BuildKit answers at docker-container://bare: the container bare has no buildctl "
            "(use a container with BuildKit, for example of the image moby/buildkit)"
        )
        message = connect_error("docker-container://idle")
        assert message.startswith(
            "no BuildKit answers at docker-container://idle: buildctl in the container idle ended "
            "with exit status 1: "
        )
        assert message.endswith(
            "(check whether the container runs a buildkitd, and look at its log)"
        )
        files = ",".join(f"{name}={certificates / name}.pem" for name in ("ca", "cert", "key"))
        docker("context", "create", "safe", "--docker", f"host={tcp},{files}")
        with Client("docker-container://builder?context=safe") as client:
            client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(tmp_path / "tls")])
        assert (tmp_path / "tls" / "a").read_bytes() == CONTENT
        running = begin_long_build("docker-container://builder", tmp_path, uuid.uuid4().hex)
        assert docker("top", "builder").count("dial-stdio") == 2
        running.kill()
        running.communicate(timeout=PATIENCE)
        wait_until(lambda: "dial-stdio" not in docker("top", "builder"))
        docker("kill", "bare")
        assert connect_error("docker-container://bare") == (
            f"no BuildKit answers at docker-container://bare: unix://{sock}: the container 'bare' "
            "is not running (start it with BuildKitContainer('bare').start())"
        )
        with Client("docker-container://builder") as client:
            docker("kill", "builder")
            with pytest.raises((ConnectError, TransportError)):
                client.solve(Scratch().mkfile("/a", CONTENT))
    finally:
        docker("rm", "--force", "builder", "bare", "idle")


def connect_error(address: str) -> str:
    """Get the error of a connection that fails."""
    with pytest.raises(ConnectError) as caught:
        Client(address)
    return str(caught.value)


@pytest.mark.feature("J6")
def test_docker_contexts_are_followed(
    sock: Path, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker("context", "create", "mine", "--docker", f"host=unix://{sock}")
    docker("context", "create", "other", "--docker", f"host=unix://{tmp_path}/other.sock")
    with Client("docker://mine") as client:
        assert client.ping() > 0
    docker("context", "use", "other")
    with pytest.raises(ConnectError, match=f"docker://: unix://{tmp_path}/other.sock: No such"):
        Client("docker://")
    docker("context", "use", "mine")
    Client("docker://").close()
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(ConnectError, match=r"other\.sock"):
        Client("docker://")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    Client("docker://").close()
    with pytest.raises(InputError, match="docker has no context 'nobody'"):
        Client("docker://nobody")


@pytest.mark.feature("J6")
def test_docker_is_reached_through_tls(
    sock: Path,
    tcp: str,
    certificates: Path,
    docker_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    files = (("ca", "ca"), ("cert", "cert"), ("key", "key"))
    options = ",".join(f"{name}={certificates / file}.pem" for name, file in files)
    docker("context", "create", "safe", "--docker", f"host={tcp},{options}")
    with Client("docker://safe") as client:
        client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "a").read_bytes() == CONTENT
    monkeypatch.setenv("DOCKER_HOST", tcp)
    hint = (
        "(set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and "
        "key.pem, or use a Docker context with certificates)"
    )
    assert connect_error("docker://") == (
        f"no BuildKit answers at docker://: {tcp}: Docker expects TLS {hint}"
    )
    assert connect_error("docker-container://a") == (
        f"no BuildKit answers at docker-container://a: {tcp}: Docker expects TLS {hint}"
    )
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    # The folder has neither a certificate for the client nor an authority.
    message = connect_error("docker://")
    assert f"docker://: {tcp}: TLS: invalid daemon certificate: " in message
    assert message.endswith(hint)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    Client("docker://").close()


@pytest.mark.feature("J6")
def test_docker_is_reached_through_ssh(
    sock: Path,
    docker_config: Path,
    buildkit_host: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert PROGRAM is not None
    with running_sshd(tmp_path / "sshd", Path(PROGRAM).parent) as sshd:
        monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
        monkeypatch.setenv("DOCKER_HOST", f"{sshd.address}{sock}")
        with Client("docker://") as client:
            client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(tmp_path / "out")])
        with pytest.raises(ConnectError, match="no container 'nobody'"):
            Client("docker-container://nobody")
        with Client(buildkit_host) as client:
            client.solve(
                Scratch().mkfile("/a", CONTENT), exports=[docker_export(name="pyllb/through-ssh")]
            )
    assert (tmp_path / "out" / "a").read_bytes() == CONTENT
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    assert docker("image", "ls", "--quiet", "pyllb/through-ssh")


@pytest.mark.feature("J7", "K9")
@pytest.mark.parametrize("engine", [OLD], indirect=True, scope="module")
def test_a_feature_that_an_old_docker_lacks_is_an_error(sock: Path, tmp_path: Path) -> None:
    state = Scratch().mkfile("/a", "x")
    with Client(f"unix://{sock}") as client:
        with pytest.raises(RemoteError) as unversioned:
            client.info()
        assert (
            unversioned.value.message == f"the daemon at unix://{sock} does not report its version"
        )
        with pytest.raises(CapabilityError) as several:
            client.solve(state, exports=[local(tmp_path / "out"), tar(tmp_path / "out.tar")])
        assert several.value.message == (
            "a BuildKit before v0.11 does not support several exporters"
        )
        with pytest.raises(SolveError, match="unknown API capability mergeop") as refused:
            client.solve(merge([Image("busybox"), state]))
        assert refused.value.hint == "merge needs BuildKit v0.10.0 or later"
        with pytest.raises(SolveError) as failed:
            client.solve(Image("busybox").run("echo said; exit 7", network="none"))
        assert "exit code: 7" in failed.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.feature("J7")
@pytest.mark.parametrize("engine", NEWER, indirect=True, scope="module")
def test_a_newer_docker_exports_what_its_image_store_can(
    sock: Path, engine: str, tmp_path: Path
) -> None:
    state = Scratch().mkfile("/a", "x")
    with Client(f"unix://{sock}") as client:
        assert client.info().version
        exports = [local(tmp_path / "out"), tar(tmp_path / "out.tar")]
        client.solve(state, exports=exports)
        assert (tmp_path / "out.tar").stat().st_size > 0
        needs_containerd: list[Callable[[], object]] = [
            lambda: client.solve(merge([Image("busybox"), state])),
            lambda: client.solve(state, exports=[oci(tmp_path / "image.tar")]),
        ]
        for build in needs_containerd:
            if has_containerd_store(engine):
                build()
            else:
                with pytest.raises(SolveError) as caught:
                    build()
                assert caught.value.hint == STORE_HINT
    assert (tmp_path / "image.tar").exists() == has_containerd_store(engine)


@pytest.mark.feature("J7")
@pytest.mark.parametrize("engine", NEWER, indirect=True, scope="module")
def test_steps_reach_the_machine_of_docker(
    sock: Path, engine: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN grep machine /etc/hosts > /found\n")
    out = tmp_path / "out"
    # The engine has no network for containers.
    options = ("--add-host", "machine:host-gateway", "--network", "none", "-o", out)
    process = cli("build", tmp_path, *options, address="docker://")
    assert process.returncode == 0, process.stderr
    assert (out / "found").read_text().split() == [HOST_GATEWAY, "machine"]


def test_an_address_that_is_not_docker_is_an_error(
    registry: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for host, reason in (
        (f"tcp://{registry}", "it offers no BuildKit: 404 Not Found"),
        (f"unix://{tmp_path}/docker.sock", "No such file or directory"),
        ("npipe:////./pipe/docker", "named pipes exist on Windows only"),
        ("npipe://./pipe/docker", "invalid address 'npipe://./pipe/docker'"),
        ("ssh://a:b@c", "a password is not supported"),
    ):
        monkeypatch.setenv("DOCKER_HOST", host)
        process = cli("info", address="docker://")
        check_error(process, "error: no BuildKit answers at docker://: ")
        assert reason in process.stderr
    with pytest.raises(InvalidValueError, match=r"expected docker://\[CONTEXT\]"):
        Client("docker://a/b")


def test_a_buildkitd_at_the_address_of_docker_is_an_error(
    buildkit_host: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", buildkit_host)
    with pytest.raises(ConnectError, match=f"docker://: {buildkit_host}: "):
        Client("docker://")


@pytest.mark.feature("J15")
def test_docker_is_used_if_there_is_nothing_else(
    sock: Path, docker_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("BUILDKIT_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    # A machine with Docker, and without buildkitd and the socket of one.
    monkeypatch.setattr("llb.client.connect.address._ROOT_SOCKET", tmp_path / "none")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    with Client() as client:
        assert client.address == "docker://"
        client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "a").read_bytes() == CONTENT
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(ConnectError) as caught:
        Client()
    assert caught.value.message == (
        "no BuildKit found: no address is given, no default socket answers, and buildkitd is not "
        f"on PATH; Docker offers none either: unix://{tmp_path}/docker.sock: No such file or "
        "directory"
    )


def digest_in(registry: str, name: str) -> str:
    """Ask a registry for the digest of an image."""
    url = f"http://{registry}/v2/{name}/manifests/1"
    accept = {"Accept": ", ".join(MANIFESTS)}
    request = urllib.request.Request(url, headers=accept, method="HEAD")
    with urllib.request.urlopen(request) as response:
        digest: str = response.headers["Docker-Content-Digest"]
        return digest


@pytest.mark.feature("J17")
def test_an_image_is_built_and_pushed(
    sock: Path,
    engine: str,
    registry: str,
    docker_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    names = [f"test/{uuid.uuid4().hex}" for _ in range(2)]
    state = Image("busybox").run(f"echo {names[0]} > /name", network="none")
    events: list[Event] = []
    pushed = image([f"{registry}/{name}:1" for name in names], push=True)
    with Client(f"unix://{sock}") as client:
        result = client.solve(state, exports=[pushed], on_event=events.append)
    assert {digest_in(registry, name) for name in names} == {result.digest}
    steps = {event.name for event in events if isinstance(event, Vertex)}
    through_docker = {f"push {registry}/{name}:1 through docker" for name in names}
    assert steps >= through_docker or has_containerd_store(engine)
    statuses = {event.name for event in events if isinstance(event, VertexStatus)}
    assert any(status.startswith("pushing layer") for status in statuses)
    # Docker has the image as well.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    assert run_image(f"{registry}/{names[0]}:1", "cat /name", tmp_path) == f"{names[0]}\n"


@pytest.mark.feature("J17")
def test_the_command_line_pushes(
    sock: Path, registry: str, docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sock}")
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nLABEL a={uuid.uuid4()}\n")
    name = f"test/{uuid.uuid4().hex}"
    process = cli("build", tmp_path, "-t", f"{registry}/{name}:1", "--push", address="docker://")
    assert process.returncode == 0, process.stderr
    assert f"image digest {digest_in(registry, name)}\n" in process.stderr


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a registry with a password."""
    folder = tmp_path_factory.mktemp("locked")
    with running_registry(folder / "registry", free_port(), auth=htpasswd(folder)) as host:
        yield host


@pytest.mark.feature("J17", "N10")
def test_a_push_has_the_credentials_of_the_client(
    sock: Path, locked: str, docker_config: Path
) -> None:
    exports = [image(f"{locked}/app:1", push=True)]
    state = Scratch().mkfile("/a", uuid.uuid4().hex)
    with Client(f"unix://{sock}") as client:
        client.solve(state, exports=exports, credentials={locked: (USER, PASSWORD)})
        for wrong in ({}, {locked: (USER, "wrong")}):
            with pytest.raises(SolveError) as caught:
                client.solve(state, exports=exports, credentials=wrong)
            assert caught.value.hint == (
                "builds use their own credentials, or those of `docker login`; check that they are "
                "still valid"
            )
        write_docker_config(docker_config, locked, login())
        client.solve(state, exports=exports)


@pytest.mark.feature("J17")
def test_a_push_that_fails_is_an_error_with_the_words_of_the_registry(
    sock: Path, engine: str, docker_config: Path, tmp_path: Path
) -> None:
    state = Scratch().mkfile("/a", "x")
    port = free_port()
    with Client(f"unix://{sock}") as client:
        exports = [image(f"127.0.0.1:{port}/app:1", push=True), local(tmp_path / "out")]
        with pytest.raises(SolveError) as caught:
            client.solve(state, exports=exports if engine != OLD else exports[:1])
        assert "connection refused" in caught.value.message
        assert not (tmp_path / "out").exists()
        if not has_containerd_store(engine):
            assert caught.value.message.startswith(f"cannot push 127.0.0.1:{port}/app:1: ")
            assert caught.value.step == f"push 127.0.0.1:{port}/app:1 through docker"
            with pytest.raises(InvalidValueError, match="cannot push an image by digest"):
                client.solve(state, exports=[image("localhost:1/x", push_by_digest=True)])
            with pytest.raises(InvalidValueError, match="a push needs a name for the image"):
                client.solve(state, exports=[image(push=True)])


@pytest.mark.feature("J17")
def test_a_cancelled_push_ends(sock: Path, engine: str, docker_config: Path) -> None:
    state = Scratch().mkfile("/a", uuid.uuid4().hex)
    with socket.create_server(("127.0.0.1", 0)) as silent, Client(f"unix://{sock}") as client:
        name = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
        build = client.start(state, exports=[image(name, push=True)])
        silent.settimeout(PATIENCE)
        with silent.accept()[0]:
            build.cancel()
            with pytest.raises(CancelledError):
                build.result()
        with pytest.raises(CancelledError):
            client.solve(state, exports=[image(name, push=True)], timeout=3)
