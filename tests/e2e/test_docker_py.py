"""docker-py's ``images.build`` and ours, on a real Docker, with the same arguments."""

from __future__ import annotations

import inspect
import io
import tarfile
import uuid
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from llb.client import docker_py
from llb.errors import InvalidValueError
from tests.e2e.test_cli_build import docker_host  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOCKERFILE = """\
FROM busybox AS base
ARG WORD=none
COPY file /file
RUN echo "$WORD" > /word
FROM base AS other
RUN echo other > /other
"""


@pytest.fixture
def client(docker_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:  # noqa: F811 - the fixture
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "file").write_text("1")
    return tmp_path


@pytest.fixture(params=["docker-py", "pyllb"])
def build(request: pytest.FixtureRequest, client: docker.DockerClient) -> Callable[..., Any]:
    """The build function of docker-py, and ours."""
    functions = {"docker-py": client.images.build, "pyllb": docker_py.build}
    function: Callable[..., Any] = functions[request.param]
    return function


def read(client: docker.DockerClient, image: Any, path: str) -> str:
    """Read a file of an image."""
    container = client.containers.create(image.id, ["true"])
    try:
        data, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(data))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            assert member is not None
            return member.read().decode()
    finally:
        container.remove()


def text(log: Iterator[dict[str, Any]]) -> str:
    return "".join(line.get("stream", "") for line in log)


@pytest.mark.feature("K21")
def test_the_arguments_are_those_of_docker_py() -> None:
    theirs = inspect.signature(docker.APIClient.build).parameters
    ours = inspect.signature(docker_py.build).parameters
    assert set(ours) <= set(theirs)
    assert set(theirs) - set(ours) == {"self", "decode", "use_config_proxy"}


@pytest.mark.feature("K21")
def test_a_path_is_built(
    client: docker.DockerClient, folder: Path, build: Callable[..., Any]
) -> None:
    tag = f"example.com/{uuid.uuid4().hex}:1"
    image, log = build(
        path=str(folder),
        tag=tag,
        buildargs={"WORD": "said"},
        labels={"by": "me"},
        target="base",
        rm=True,
        forcerm=True,
        pull=False,
        nocache=True,
        network_mode="none",
        extra_hosts={"a": "10.0.0.1"},
        shmsize=8 << 20,
        timeout=600,
    )
    assert isinstance(image, docker.models.images.Image)
    assert image.tags == [tag]
    assert image.labels == {"by": "me"}
    assert client.images.get(tag).id == image.id
    assert read(client, image, "/word") == "said\n"
    output = text(log)
    assert "COPY file /file" in output
    assert f"Successfully built {image.id.removeprefix('sha256:')[:12]}\n" in output
    assert f"Successfully tagged {tag}\n" in output


@pytest.mark.feature("K21")
def test_a_dockerfile_of_another_name_is_in_the_context(
    client: docker.DockerClient, folder: Path, build: Callable[..., Any]
) -> None:
    (folder / "ci").mkdir()
    (folder / "ci" / "Other").write_text("FROM busybox\nCOPY file /other\n")
    for dockerfile in ("ci/Other", str(folder / "ci" / "Other")):
        image, _ = build(path=str(folder), dockerfile=dockerfile)
        assert read(client, image, "/other") == "1"


@pytest.mark.feature("K21")
def test_an_open_file_is_a_dockerfile_or_an_archive(
    client: docker.DockerClient, folder: Path, build: Callable[..., Any]
) -> None:
    image, _ = build(fileobj=io.BytesIO(b"FROM busybox\nLABEL kind=alone\n"))
    assert image.labels == {"kind": "alone"}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder, ".")
    archive.seek(0)
    image, _ = build(
        fileobj=archive,
        custom_context=True,
        encoding="gzip",
        dockerfile="Dockerfile",
        target="base",
        network_mode="none",
    )
    assert read(client, image, "/file") == "1"


@pytest.mark.feature("K21")
def test_a_failed_step_is_the_error_of_docker_py(folder: Path, build: Callable[..., Any]) -> None:
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo before; exit 3\n")
    with pytest.raises(docker.errors.BuildError) as caught:
        build(path=str(folder), network_mode="none", nocache=True)
    log = list(caught.value.build_log)
    assert "before" in "".join(line.get("stream", "") for line in log)
    assert "/bin/sh -c echo before; exit 3" in log[-1]["error"]
    assert log[-1]["error"] == log[-1]["errorDetail"]["message"]


@pytest.mark.feature("K21")
def test_no_context_is_a_type_error(build: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        build(tag="a")


@pytest.mark.feature("K21")
def test_what_docker_py_cannot_build(client: docker.DockerClient, folder: Path) -> None:
    (folder / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=cache,target=/cache echo 1 > /made\n"
    )
    image, log = docker_py.build(path=folder, network_mode="none")
    assert read(client, image, "/made") == "1\n"
    assert {"aux": {"ID": image.id}} in list(log)


@pytest.mark.feature("K21")
def test_a_quiet_build_logs_the_id_alone(client: docker.DockerClient, folder: Path) -> None:
    image, log = docker_py.build(path=folder, network_mode="none", quiet=True)
    assert list(log) == [{"stream": f"{image.id}\n"}]
    assert client.images.get(image.id).id == image.id


@pytest.mark.feature("K21")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"squash": True}, "invalid squash True: BuildKit does not have it"),
        ({"isolation": "hyperv"}, "invalid isolation 'hyperv': BuildKit does not have it"),
        (
            {"container_limits": {"memory": 1}},
            "invalid container_limits {'memory': 1}: BuildKit does not have it",
        ),
        ({"gzip": True, "encoding": "gzip"}, "gzip conflicts with encoding: expected one of them"),
        (
            {"network_mode": "mine"},
            "invalid network_mode 'mine': expected bridge, default, none, host",
        ),
        ({"shmsize": "large"}, "invalid shmsize 'large': expected a size such as 64m"),
        ({"tag": ["a"]}, "invalid tag ['a']: expected a string or None"),
        (
            {"buildargs": "a=b"},
            "invalid buildargs 'a=b': expected a mapping of a string to a string or None, or None",
        ),
    ],
)
def test_what_buildkit_does_not_have_is_refused(
    client: docker.DockerClient, folder: Path, options: dict[str, Any], message: str
) -> None:
    assert client.ping()
    with pytest.raises(InvalidValueError) as caught:
        docker_py.build(path=folder, **options)
    assert caught.value.message == message
