"""A Docker whose exporter cannot push images pushes them after the build."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, Event, RegistryToken, Vertex, VertexWarning, image, local
from llb.errors import SolveError, TransportError
from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

ID, DIGEST = "sha256:" + "a" * 64, "sha256:" + "d" * 64
NAME = "example.com/app:1"


def answer(build: FakeBuild) -> dict[str, str]:
    """Export the image as Docker 20.10 does, and a file."""
    if len(build.exports) > 1:
        build.session.send_tree({"a": b"1"}, export=1)
    return {"containerimage.digest": ID}


@pytest.fixture
def daemon(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    return fake_daemon(script=answer)


@pytest.fixture
def engine(
    daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with FakeDockerEngine(tmp_path / "docker.sock", daemon.address) as engine:
        yield engine


@pytest.mark.feature("J17")
def test_docker_pushes_what_it_has_built(daemon: FakeDaemon, engine: FakeDockerEngine) -> None:
    events: list[Event] = []
    with Client(engine.address) as client:
        result = client.solve(
            Image("alpine").run("make"),
            exports=[image(f"{NAME},app", push=True)],
            credentials={"example.com": ("me", "secret"), "docker.io": RegistryToken("token")},
            on_event=events.append,
        )
    ((kind, attrs),) = daemon.builds[0].exports
    assert (kind, attrs["name"], "push" in attrs) == ("moby", f"{NAME},app", False)
    assert [call.target for call in engine.calls] == [
        "/images/example.com/app/push?tag=1",
        "/images/app/push?tag=latest",
    ]
    sent = [json.loads(base64.urlsafe_b64decode(call.auth or "")) for call in engine.calls]
    assert sent == [
        {"username": "me", "password": "secret", "serveraddress": "example.com"},
        {"registrytoken": "token", "serveraddress": "https://index.docker.io/v1/"},
    ]
    assert result.digest == DIGEST
    assert result.exporter_response["containerimage.config.digest"] == ID
    steps = {event.name for event in events if isinstance(event, Vertex)}
    assert steps >= {f"push {NAME} through docker", "push app:latest through docker"}
    assert {name for name in steps if name.startswith("[auth]")} == {
        "[auth] sharing credentials for example.com",
        "[auth] sharing credentials for docker.io",
    }


def test_an_image_that_is_not_pushed_is_left_alone(
    daemon: FakeDaemon, engine: FakeDockerEngine
) -> None:
    with Client(engine.address) as client:
        result = client.solve(Image("alpine").run("make"), exports=[image(NAME)])
    assert (engine.calls, result.digest) == ([], ID)
    assert daemon.builds[0].exports[0][0] == "moby"


def test_an_option_without_effect_is_a_warning(engine: FakeDockerEngine) -> None:
    events: list[Event] = []
    with Client(engine.address) as client:
        client.solve(
            Image("alpine").run("make"),
            exports=[image(NAME, push=True, insecure=True)],
            on_event=events.append,
        )
    (warning,) = (event for event in events if isinstance(event, VertexWarning))
    assert warning.short.startswith("insecure has no effect: Docker uses plain HTTP for")
    assert json.loads(base64.urlsafe_b64decode(engine.calls[0].auth or "")) == {}


@pytest.mark.feature("J17")
@pytest.mark.parametrize(
    ("status", "body", "has_hint"),
    [
        (200, {"error": "unauthorized:  authentication required"}, True),
        (404, {"message": "tag does not exist"}, False),
    ],
)
def test_a_push_that_is_refused_fails_the_build(
    status: int, body: object, engine: FakeDockerEngine, tmp_path: Path, *, has_hint: bool
) -> None:
    engine.answers["/images/example.com/app/push"] = (status, json.dumps(body).encode())
    events: list[Event] = []
    exports = [image(NAME, push=True), local(tmp_path / "out")]
    with Client(engine.address) as client, pytest.raises(SolveError) as caught:
        client.solve(Image("alpine").run("make"), exports=exports, on_event=events.append)
    reason = "unauthorized: authentication required" if has_hint else "tag does not exist"
    assert caught.value.message == f"cannot push {NAME}: {reason}"
    assert (caught.value.hint is not None) == has_hint
    last = events[-1]
    assert isinstance(last, Vertex)
    assert (last.digest, last.name) == (caught.value.vertex, caught.value.step)
    assert last.error
    assert not (tmp_path / "out").exists()


def test_a_docker_that_ends_during_a_push_is_an_error(engine: FakeDockerEngine) -> None:
    engine.answers["/images/example.com/app/push"] = (200, b"no json\n")
    with Client(engine.address) as client, pytest.raises(TransportError) as caught:
        client.solve(Image("alpine").run("make"), exports=[image(NAME, push=True)])
    assert caught.value.message == (
        f"lost the connection to {engine.address}: {engine.address}: an answer is not JSON"
    )


def test_an_error_of_a_listener_ends_a_push(engine: FakeDockerEngine) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Vertex) and event.name.startswith("push "):
            raise ZeroDivisionError

    with Client(engine.address) as client, pytest.raises(ZeroDivisionError):
        client.solve(Image("alpine").run("make"), exports=[image(NAME, push=True)], on_event=listen)
    assert len(engine.calls) <= 1
