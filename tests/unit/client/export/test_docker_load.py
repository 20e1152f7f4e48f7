"""An exported image is loaded with ``docker load``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, docker
from llb.client.export.docker_load import DockerReceiver
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild


def test_a_missing_docker_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError) as caught:
        DockerReceiver()
    assert caught.value.hint == 'write an archive with llb.client.docker("image.tar")'
    assert caught.value.command_hint == "write an archive with -o type=docker,dest=image.tar"


ARCHIVE = b"layers " * 10_000


@pytest.fixture
def load(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Build an image with a shell script as ``docker``, which runs in a temporary folder."""

    def load(script: str) -> None:
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

        def send(build: FakeBuild) -> None:
            ((kind, attrs),) = build.exports
            assert (kind, attrs["name"]) == ("docker", "app:1")
            build.session.send_file(ARCHIVE)

        with Client(fake_daemon(script=send).address) as client:
            client.solve(Image("alpine").run("make"), exports=[docker(name="app:1")])

    return load


def test_the_archive_is_passed_to_docker_load(load: Callable[[str], None], tmp_path: Path) -> None:
    load('echo "$@" > arguments; cat > loaded')
    assert (tmp_path / "arguments").read_text() == "load\n"
    assert (tmp_path / "loaded").read_bytes() == ARCHIVE


def test_an_error_of_docker_load_fails_the_build(load: Callable[[str], None]) -> None:
    with pytest.raises(InputError) as caught:
        load("cat > /dev/null; echo 'no space left' >&2; echo 'on device' >&2; exit 1")
    assert str(caught.value) == "docker did not load the image: no space left on device"


def test_a_build_without_docker_is_refused_before_it_starts(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    daemon = fake_daemon()
    with Client(daemon.address) as client, pytest.raises(InputError) as caught:
        client.solve(Image("alpine"), exports=[docker()])
    assert str(caught.value) == (
        "docker is not on PATH, but is needed to load the image "
        '(write an archive with llb.client.docker("image.tar"))'
    )
    assert daemon.builds == ()
