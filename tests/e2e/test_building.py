"""Functions that run as frontends in the client's process."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch
from llb.client import Client, local, oci
from llb.errors import ProcessError, RemoteError, SolveError
from llb.frontend.build import build as dockerfile
from llb.gateway import Gateway, Request, Result, is_not_found
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("K4")
def test_a_function_of_this_process_is_a_frontend(buildkit_host: str, tmp_path: Path) -> None:
    threads = []

    def build(request: Request, gateway: Gateway) -> Result:
        threads.append(threading.current_thread())
        ref = gateway.solve(Image("busybox").run("echo built > /x").marshal())
        content = gateway.read_file(ref, "/x") + request.options["word"].encode()
        return Result(gateway.solve(Scratch().mkfile("/y", content).marshal()))

    with Client(buildkit_host) as client:
        client.build(build, frontend_attrs={"word": "given"}, exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "y").read_text() == "built\ngiven"
    assert len(threads) == 1


@pytest.mark.feature("K4")
def test_a_frontend_reads_trees(buildkit_host: str) -> None:
    results: dict[str, object] = {}
    tree = (
        Scratch()
        .mkdir("/d", mode=0o750)
        .mkfile("/d/text", "12345", mode=0o711, owner="7:8")
        .mkfile("/d/other", "")
        .symlink("text", "/d/link")
    )

    def build(request: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(tree.marshal())
        status = gateway.stat_file(ref, "/d/text")
        results["text"] = (
            stat.filemode(status.mode),
            status.uid,
            status.gid,
            status.size,
            status.target,
        )
        entries = gateway.read_dir(ref, "/d")
        results["names"] = [
            (entry.path, stat.filemode(entry.mode), entry.target) for entry in entries
        ]
        results["some"] = [entry.path for entry in gateway.read_dir(ref, "/d", pattern="t*")]
        with pytest.raises(RemoteError) as caught:
            gateway.stat_file(ref, "/none")
        results["missing"] = is_not_found(caught.value)
        return Result(ref)

    with Client(buildkit_host) as client:
        client.build(build)
    assert results == {
        "text": ("-rwx--x--x", 7, 8, 5, ""),
        "names": [
            ("link", "lrwxrwxrwx", "text"),
            ("other", "-rw-r--r--", ""),
            ("text", "-rwx--x--x", ""),
        ],
        "some": ["text"],
        "missing": True,
    }


@pytest.mark.feature("K4")
def test_a_frontend_shares_the_session_of_the_client(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "a").write_text("of the client")

    def build(request: Request, gateway: Gateway) -> Result:
        source = Local("context", session_id=request.session_id)
        return Result(gateway.solve(source.marshal()))

    with Client(buildkit_host) as client:
        client.build(
            build, local_dirs={"context": tmp_path / "context"}, exports=[local(tmp_path / "out")]
        )
    assert (tmp_path / "out" / "a").read_text() == "of the client"


@pytest.mark.feature("K4", "Q10")
def test_an_exception_of_the_frontend_is_raised_to_the_caller(
    buildkit_host: str, tmp_path: Path
) -> None:
    def build(request: Request, gateway: Gateway) -> Result:
        raise ZeroDivisionError("of mine")

    with Client(buildkit_host) as client:
        with pytest.raises(ZeroDivisionError, match="of mine"):
            client.build(build, exports=[local(tmp_path / "out")])
        client.solve(Image("busybox").run("true"))
    assert not (tmp_path / "out").exists()


@pytest.mark.feature("K4")
def test_a_failing_step_raises_first_in_the_frontend(buildkit_host: str) -> None:
    errors = []

    def build(request: Request, gateway: Gateway) -> Result:
        state = Image("busybox").run("exit 5", ignore_cache=True)
        try:
            gateway.solve(state.marshal(), evaluate=True)
        except RemoteError as error:
            errors.append(error)
            raise
        return Result()

    with Client(buildkit_host) as client, pytest.raises(RemoteError, match="exit code: 5"):
        client.build(build)
    assert len(errors) == 1


@pytest.mark.feature("K4")
def test_the_dockerfile_frontend_runs_in_this_process(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo here > /x\nLABEL a=b\n")
    folders = {"context": tmp_path, "dockerfile": tmp_path}
    with Client(buildkit_host) as client:
        client.build(dockerfile, local_dirs=folders, exports=[oci(tmp_path / "image.tar")])
    config, _ = read_image(tmp_path / "image.tar")
    assert config["config"]["Labels"] == {"a": "b"}


@pytest.mark.feature("K4")
@pytest.mark.since("v0.32.2", "the error for an image that a mirror does not have")
def test_a_client_resolves_images(buildkit_host: str) -> None:
    with Client(buildkit_host) as client:
        resolved = client.resolve_image_config("docker.io/library/busybox:latest")
        assert resolved.digest.startswith("sha256:")
        state = Image("busybox", resolver=client, resolve_digest=True)
        source = state.marshal().vertices()[0].op["identifier"]
        assert source == f"docker-image://docker.io/library/busybox:latest@{resolved.digest}"
        assert dict(state.variables)["PATH"]
        with pytest.raises((SolveError, RemoteError), match="not found"):
            client.resolve_image_config("docker.io/library/none-such:latest")


def test_a_process_error_is_raised_unchanged(buildkit_host: str) -> None:
    def function(_: Request, gateway: Gateway) -> Result:
        root = gateway.solve(Image("busybox").marshal())
        with gateway.new_container(root) as container:
            container.run(["sh", "-c", "echo no >&2; exit 3"])
        return Result()

    with Client(buildkit_host) as client:
        for _ in range(20):
            with pytest.raises(ProcessError) as caught:
                client.build(function)
            assert (caught.value.exit_code, caught.value.stderr) == (3, b"no\n")
