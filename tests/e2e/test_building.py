"""Functions that act as frontends in the client's own process."""

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
from tests.e2e.test_example import image_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("K4")
def test_a_function_of_this_process_is_a_frontend(buildkit_host: str, tmp_path: Path) -> None:
    threads = []

    def build(request: Request, gateway: Gateway) -> Result:
        threads.append(threading.current_thread())
        made = gateway.solve(Image("busybox").run("echo built > /x").marshal())
        text = gateway.read_file(made, "/x") + request.options["word"].encode()
        return Result(gateway.solve(Scratch().mkfile("/y", text).marshal()))

    with Client(buildkit_host) as client:
        client.build(build, frontend_attrs={"word": "given"}, exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "y").read_text() == "built\ngiven"
    assert len(threads) == 1


@pytest.mark.feature("K4")
def test_it_looks_into_trees(buildkit_host: str) -> None:
    found: dict[str, object] = {}
    tree = (
        Scratch()
        .mkdir("/d", mode=0o750)
        .mkfile("/d/text", "12345", mode=0o711, owner="7:8")
        .mkfile("/d/other", "")
        .symlink("text", "/d/link")
    )

    def build(request: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(tree.marshal())
        text = gateway.stat_file(ref, "/d/text")
        found["text"] = (stat.filemode(text.mode), text.uid, text.gid, text.size, text.target)
        entries = gateway.read_dir(ref, "/d")
        found["names"] = [(each.path, stat.filemode(each.mode), each.target) for each in entries]
        found["some"] = [each.path for each in gateway.read_dir(ref, "/d", pattern="t*")]
        with pytest.raises(RemoteError) as caught:
            gateway.stat_file(ref, "/none")
        found["missing"] = is_not_found(caught.value)
        return Result(ref)

    with Client(buildkit_host) as client:
        client.build(build)
    assert found == {
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
def test_it_has_the_session_of_the_client(buildkit_host: str, tmp_path: Path) -> None:
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
def test_an_exception_of_the_function_is_raised_where_it_was_called(
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
def test_a_step_that_fails_is_an_error_of_the_function_first(buildkit_host: str) -> None:
    seen = []

    def build(request: Request, gateway: Gateway) -> Result:
        state = Image("busybox").run("exit 5", ignore_cache=True)
        try:
            gateway.solve(state.marshal(), evaluate=True)
        except RemoteError as error:
            seen.append(error)
            raise
        return Result()

    with Client(buildkit_host) as client, pytest.raises(RemoteError, match="exit code: 5"):
        client.build(build)
    assert len(seen) == 1


@pytest.mark.feature("K4")
def test_our_dockerfile_frontend_runs_in_this_process(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo here > /x\nLABEL a=b\n")
    folders = {"context": tmp_path, "dockerfile": tmp_path}
    with Client(buildkit_host) as client:
        client.build(dockerfile, local_dirs=folders, exports=[oci(tmp_path / "image.tar")])
    config, _ = image_of(tmp_path / "image.tar")
    assert config["config"]["Labels"] == {"a": "b"}


@pytest.mark.feature("K4")
def test_a_client_resolves_images(buildkit_host: str) -> None:
    with Client(buildkit_host) as client:
        found = client.resolve_image_config("docker.io/library/busybox:latest")
        assert found.digest.startswith("sha256:")
        state = Image("busybox", resolver=client, resolve_digest=True)
        source = state.marshal().vertices()[0].op["identifier"]
        assert source == f"docker-image://docker.io/library/busybox:latest@{found.digest}"
        assert dict(state.variables)["PATH"]
        with pytest.raises((SolveError, RemoteError), match="not found"):
            client.resolve_image_config("docker.io/library/none-such:latest")


def test_an_error_of_a_process_is_raised_as_it_is(buildkit_host: str) -> None:
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
