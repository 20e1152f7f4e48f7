"""docker-py's ``images.build``, against a fake Docker."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

from llb.client import docker_py
from llb.errors import InputError, InvalidValueError
from llb.frontend.build import build as dockerfile
from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

DIGEST = f"sha256:{'d' * 64}"


def succeed(build: FakeBuild) -> Mapping[str, str]:
    build.show_steps()
    return {"containerimage.digest": DIGEST}


def fail(build: FakeBuild) -> Mapping[str, str]:
    raise build.failure("[2/2] RUN make", 3, log="no make\n")


@pytest.fixture
def script() -> Callable[[FakeBuild], Mapping[str, str]]:
    return succeed


@pytest.fixture
def daemon(
    fake_daemon: Callable[..., FakeDaemon],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: Callable[[FakeBuild], Mapping[str, str]],
) -> Iterator[FakeDaemon]:
    daemon = fake_daemon(script=script, frontends={"dockerfile.v0": dockerfile})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    with FakeDockerEngine(tmp_path / "docker.sock", daemon.address) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield daemon


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine\nRUN make\n")
    return folder


def test_the_arguments_become_options_of_a_build(daemon: FakeDaemon, folder: Path) -> None:
    image, log = docker_py.build(
        path=folder,
        tag="app",
        buildargs={"A": "1", "B": None},
        labels={"by": "me"},
        platform="linux/amd64",
        nocache=True,
        pull=True,
        network_mode="bridge",
        extra_hosts={"a": "10.0.0.1"},
        shmsize=64,
        cache_from=[],
    )
    assert image.id == DIGEST
    lines = list(log)
    assert any(line.get("stream", "").endswith("[2/2] RUN make\n") for line in lines)
    assert lines[-3:] == [
        {"aux": {"ID": DIGEST}},
        {"stream": "Successfully built dddddddddddd\n"},
        {"stream": "Successfully tagged docker.io/library/app:latest\n"},
    ]
    (build,) = daemon.builds
    assert build.frontend_attrs == {
        "filename": "Dockerfile",
        "build-arg:A": "1",
        "label:by": "me",
        "platform": "linux/amd64",
        "no-cache": "",
        "image-resolve-mode": "pull",
        "force-network-mode": "sandbox",
        "add-hosts": "a=10.0.0.1",
        "shm-size": "64",
    }


def test_a_quiet_build_logs_the_id(daemon: FakeDaemon, folder: Path) -> None:
    _, log = docker_py.build(path=folder, quiet=True)
    assert list(log) == [{"stream": f"{DIGEST}\n"}]
    assert len(daemon.builds) == 1


@pytest.mark.parametrize("name", ["ci/Other", "ABSOLUTE"])
def test_a_dockerfile_is_in_the_context(daemon: FakeDaemon, folder: Path, name: str) -> None:
    (folder / "ci").mkdir()
    (folder / "ci" / "Other").write_text("FROM alpine\nRUN other\n")
    docker_py.build(path=str(folder), dockerfile=name.replace("ABSOLUTE", f"{folder}/ci/Other"))
    (build,) = daemon.builds
    assert build.step("[2/2] RUN other").kind == "exec"


@pytest.mark.parametrize(
    "text", [io.BytesIO(b"FROM alpine\nRUN a\n"), io.StringIO("FROM alpine\nRUN a\n")]
)
def test_an_open_dockerfile_has_no_context(daemon: FakeDaemon, text: Any) -> None:
    docker_py.build(fileobj=text)
    (build,) = daemon.builds
    assert build.step("[2/2] RUN a").kind == "exec"


@pytest.mark.parametrize("script", [fail])
def test_a_failed_step_is_a_build_error(daemon: FakeDaemon, folder: Path) -> None:
    with pytest.raises(docker.errors.BuildError) as caught:
        docker_py.build(path=folder)
    log = list(caught.value.build_log)
    assert log[-1] == {"error": caught.value.msg, "errorDetail": {"message": caught.value.msg}}
    assert "no make" in "".join(line.get("stream", "") for line in log)
    assert len(daemon.builds) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"squash": True}, "invalid squash True: BuildKit does not have it"),
        ({"isolation": "hyperv"}, "invalid isolation 'hyperv': BuildKit does not have it"),
        ({"gzip": True, "encoding": "gzip"}, "gzip conflicts with encoding: expected one of them"),
        ({"network_mode": "x"}, "invalid network_mode 'x': expected bridge, default, none, host"),
        ({"shmsize": "x"}, "invalid shmsize 'x': expected a size such as 64m"),
        ({"nocache": "a"}, "invalid nocache 'a': expected True or False"),
        (
            {"buildargs": "a"},
            "invalid buildargs 'a': expected a mapping of a string to a string or None, or None",
        ),
    ],
)
def test_an_invalid_argument_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        docker_py.build(path=".", **options)
    assert caught.value.message == message


def test_a_default_isolation_and_empty_limits_are_nothing(daemon: FakeDaemon, folder: Path) -> None:
    docker_py.build(path=folder, isolation="default", container_limits={})
    assert len(daemon.builds) == 1


def test_a_build_needs_a_context() -> None:
    with pytest.raises(TypeError, match=r"^build\(\) needs path or fileobj$"):
        docker_py.build()
    with pytest.raises(TypeError, match=r"^custom_context needs fileobj$"):
        docker_py.build(custom_context=True)


def test_an_archive_or_a_url_names_its_dockerfile_inside() -> None:
    archive = io.BytesIO()
    assert docker_py._context(None, archive, "App", custom_context=True) == (
        archive,
        {"file": "App"},
    )
    url = "https://github.com/me/app.git"
    assert docker_py._context(url, None, "App", custom_context=False) == (url, {"file": "App"})


def test_docker_py_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(InputError) as caught:
        docker_py.build(path=".")
    assert caught.value.message == "docker-py is not installed"
    assert caught.value.hint == "pip install 'pyllb[docker-py]'"
