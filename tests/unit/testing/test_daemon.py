"""The fake daemon serves any client with scripted answers, and uses the client's session."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Directory, File, Image, Local, Platform, Scratch, Symlink
from llb.client import (
    Client,
    Event,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
    local,
    tar,
)
from llb.client.usage import Usage
from llb.errors import (
    CancelledError,
    CapabilityError,
    ConnectError,
    RemoteError,
    SolveError,
    Span,
    TransportError,
    render,
)
from llb.gateway import Gateway, Request, Result
from llb.ops.nodes import ProgressGroup
from llb.testing.daemon import FakeDaemon
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb.grpc import ServerCall
    from llb.sources.inline_files import Content
    from llb.testing.fake_buildkit.builds import FakeBuild

    Make = Callable[..., FakeDaemon]

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
BUILD = Image("alpine", inherit_config=False).run("make")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts of client and daemon, so that a busy machine does not fail tests."""
    for name in ("_STATUS_SECONDS", "_SILENT_SECONDS", "_SESSION_SECONDS"):
        monkeypatch.setattr(f"llb.client.builds.build_run.{name}", SECONDS)
    monkeypatch.setattr("llb.testing.daemon._SECONDS", SECONDS)


@pytest.fixture
def connect(fake_daemon: Make) -> Iterator[Callable[..., Client]]:
    """Create clients of fake daemons with the given options."""
    clients: list[Client] = []

    def make(**options: object) -> Client:
        clients.append(Client(fake_daemon(**options).address))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_daemon_reports_its_version_and_platforms(connect: Callable[..., Client]) -> None:
    client = connect(version="v0.20.0", platforms=["linux/arm64", "linux/amd64"])
    assert client.info().version == "v0.20.0"
    (worker,) = client.workers()
    assert worker.platforms == (Platform("linux", "arm64"), Platform("linux", "amd64"))


def test_an_old_daemon_lacks_newer_capabilities(connect: Callable[..., Client]) -> None:
    client = connect(version="v0.20.0")
    with pytest.raises(CapabilityError):
        client.solve(Image("alpine", checksum=f"sha256:{'0' * 64}"))


def test_a_build_is_recorded_and_its_steps_are_shown(fake_daemon: Make) -> None:
    daemon = fake_daemon()
    events: list[Event] = []
    with Client(daemon.address) as client:
        result = client.solve(BUILD, allow=["network.host"], ref="mine", on_event=events.append)
    (build,) = daemon.builds
    assert (build.ref, result.ref) == ("mine", "mine")
    assert build.definition is not None
    assert build.definition.ops == BUILD.marshal().ops
    assert build.entitlements == ("network.host",)
    names = [event.name for event in events if isinstance(event, Vertex)]
    assert names == ["docker-image://docker.io/library/alpine:latest", "run make"]


def test_the_attributes_of_a_frontend_are_recorded(fake_daemon: Make) -> None:
    daemon = fake_daemon()
    with Client(daemon.address) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"target": "a"},
            frontend_inputs={"base": BUILD},
            cache_from=["type=registry,ref=example.com/c"],
        )
    (build,) = daemon.builds
    assert (build.frontend, build.frontend_attrs["target"]) == ("dockerfile.v0", "a")
    assert build.inputs["base"].ops == BUILD.marshal().ops
    assert build.cache_imports == (("registry", {"ref": "example.com/c"}),)


def test_a_frontend_can_be_a_function_of_the_test(fake_daemon: Make, tmp_path: Path) -> None:
    def frontend(request: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(Local("context").marshal())
        image = gateway.read_file(ref, "name").decode()
        return Result(gateway.solve(Image(image).run(request.options["do"]).marshal()))

    (tmp_path / "name").write_text("debian")
    daemon = fake_daemon(frontends={"own.v0": frontend})
    with Client(daemon.address) as client:
        options = {"local_dirs": {"context": tmp_path}, "frontend_attrs": {"do": "make"}}
        client.solve(frontend="own.v0", **options)  # type: ignore[arg-type]
    built = daemon.builds[0].definitions[""]
    assert built.ops == Image("debian").run("make").marshal().ops


def test_a_script_sends_events_and_a_response(connect: Callable[..., Client]) -> None:
    sent: list[Event] = [
        Vertex("sha256:a", "one", (), False, MOMENT, None, None, ProgressGroup("g", "group", True)),
        VertexStatus("part", "sha256:a", "part", 1, 2, MOMENT, MOMENT),
        VertexLog("sha256:a", 1, b"line\n", MOMENT),
        VertexWarning(
            "sha256:a", 2, "slow", ("very",), "https://x", Span("File", "one\ntwo\n", 1, 2)
        ),
        Vertex("sha256:a", "one", ("sha256:b",), True, MOMENT, MOMENT, "failed"),
    ]

    def script(build: FakeBuild) -> dict[str, str]:
        for event in sent:
            build.show(event)
        return {"containerimage.digest": "sha256:c"}

    events: list[Event] = []
    result = connect(script=script).solve(BUILD, on_event=events.append)
    assert events == sent
    assert result.exporter_response == {"containerimage.digest": "sha256:c"}


def test_a_failed_step_has_the_details_of_a_daemon(connect: Callable[..., Client]) -> None:
    def script(build: FakeBuild) -> None:
        raise build.failure("run make", 2, log="no rule\n")

    with pytest.raises(SolveError) as caught:
        connect(script=script).solve(BUILD)
    error = caught.value
    assert (error.exit_code, error.step, error.log) == (2, "run make", ("no rule",))
    message = 'process "/bin/sh -c make" did not complete successfully: exit code: 2'
    lines = render(error).splitlines()
    assert (lines[0], lines[-1]) == ("  | no rule", f"error: {error.span}: {message}")
    assert str(error.span).startswith("tests/unit/testing/test_daemon.py:")


def test_an_error_of_any_kind_reaches_the_client(connect: Callable[..., Client]) -> None:
    def script(_: FakeBuild) -> None:
        raise RemoteError("no space left on device", code=8)

    with pytest.raises(SolveError) as caught:
        connect(script=script).solve(BUILD)
    assert (caught.value.message, caught.value.code) == ("no space left on device", 8)


def test_a_session_serves_files_secrets_and_credentials_of_the_client(
    connect: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[object] = []

    def script(build: FakeBuild) -> None:
        session = build.session
        answers.append(session.files("context", exclude=["*.log"]))
        answers.append(session.secret("token"))
        answers.append(session.credentials("example.com"))
        answers.append("/moby.filesync.v1.FileSync/DiffCopy" in session.methods)
        for request in (lambda: session.secret("other"), lambda: session.files("other")):
            with pytest.raises(RemoteError) as caught:
                request()
            answers.append(caught.value.code)

    config = '{"auths": {"example.com": {"auth": "bWU6c2VjcmV0"}}}'
    (tmp_path / "config.json").write_text(config)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("BUILDKIT_NO_CLIENT_TOKEN", "1")
    context = tmp_path / "context"
    (context / "sub ü").mkdir(parents=True)
    large = bytes(range(256)) * 4096
    (context / "sub ü" / "large").write_bytes(large)
    (context / "empty").touch()
    (context / "x.log").touch()
    (context / "link").symlink_to("empty")
    connect(script=script).solve(
        BUILD, local_dirs={"context": context}, secrets={"token": b"secret"}
    )
    assert answers == [
        {"empty": b"", "sub ü/large": large},
        b"secret",
        ("me", "secret"),
        True,
        5,
        5,
    ]


def test_results_are_sent_to_the_exports_of_the_client(
    connect: Callable[..., Client], tmp_path: Path
) -> None:
    large = bytes(range(256)) * 1024

    def script(build: FakeBuild) -> None:
        assert [kind for kind, _ in build.exports] == ["local", "tar"]
        tree: dict[str, Content] = {
            "a-b": "1",
            "a/b": File(large, mode=0o750),
            "a/l": Symlink("b"),
            "e": Directory(),
        }
        build.session.send_tree(tree, export=0)
        build.session.send_file(large, export=1)

    out, archive = tmp_path / "out", tmp_path / "out.tar"
    connect(script=script).solve(BUILD, exports=[local(out), tar(archive)])
    assert archive.read_bytes() == large
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*")) == [
        *("a", "a-b", "a/b", "a/l", "e")
    ]
    assert (out / "a/b").read_bytes() == (out / "a/l").read_bytes() == large
    assert (out / "a/b").stat().st_mode & 0o777 == 0o750


def test_an_error_of_the_client_fails_the_build(connect: Callable[..., Client]) -> None:
    def script(build: FakeBuild) -> None:
        build.session.send_file(b"1", export=7)

    with pytest.raises(SolveError, match="unknown exporter 7"):
        connect(script=script).solve(BUILD)


def test_a_function_of_the_client_is_the_frontend(
    connect: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "name").write_text("debian")

    def function(_: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(Local("context").marshal())
        image = gateway.read_file(ref, "name").decode()
        return Result(gateway.solve(Image(image).marshal()))

    events: list[Event] = []
    client = connect()
    client.build(function, local_dirs={"context": tmp_path}, on_event=events.append)
    assert [event.name for event in events if isinstance(event, Vertex)] == [
        "docker-image://docker.io/library/debian:latest"
    ]
    assert client.resolve_image_config("alpine").config.startswith(b'{"architecture":"amd64"')


def test_a_reference_names_another_build_once_the_first_has_ended(
    fake_daemon: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The refused build watches the progress of the other one.
    monkeypatch.setattr("llb.client.builds.build_run._SILENT_SECONDS", 0.0)
    daemon = fake_daemon()
    with Client(daemon.address) as client:

        def frontend(request: Request, gateway: Gateway) -> Result:
            with pytest.raises(SolveError, match="job ID one exists"):
                client.solve(BUILD, ref="one")
            return Result(gateway.solve(BUILD.marshal()))

        for _ in range(3):
            client.build(frontend, ref="one")
    assert [(build.ref, build.is_finished) for build in daemon.builds] == [("one", True)] * 3


def test_an_exception_of_a_script_fails_the_test() -> None:
    def script(build: FakeBuild) -> None:
        build.step("run mak")

    message = (
        "no step 'run mak' in the build; its steps: "
        "'docker-image://docker.io/library/alpine:latest', 'run make'"
    )
    daemon = FakeDaemon(script=script)
    with Client(daemon.address) as client, pytest.raises(SolveError) as solve_error:
        client.solve(BUILD)
    assert solve_error.value.message == f"the script failed: {AssertionError(message)!r}"
    with pytest.raises(AssertionError) as caught:
        daemon.__exit__(None, None, None)
    assert str(caught.value) == message


def test_a_build_can_time_out(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The daemon sends no events for it, and does not end the stream of events.
    monkeypatch.setattr("llb.client.builds.build_run._SILENT_SECONDS", 0.1)
    waiting = threading.Event()
    with pytest.raises(CancelledError):
        connect(script=lambda _: waiting.wait(SECONDS) and None).solve(BUILD, timeout=0.2)
    waiting.set()


def test_closing_the_daemon_ends_a_build_of_the_client() -> None:
    daemon = FakeDaemon()
    started, stopped = threading.Event(), threading.Event()

    def function(_: Request, gateway: Gateway) -> Result:
        started.set()
        assert stopped.wait(SECONDS)
        return Result()

    def stop() -> None:
        started.wait(SECONDS)
        daemon.close()
        stopped.set()

    closing = threading.Thread(target=stop)
    closing.start()
    with Client(daemon.address) as client, pytest.raises((CancelledError, TransportError)):
        client.build(function)
    closing.join()
    daemon.__exit__(None, None, None)


def test_a_build_that_has_just_started_ends_with_its_daemon() -> None:
    ended = threading.Event()

    class Stopping(FakeDaemon):
        def _solve(self, call: ServerCall) -> None:
            try:
                super()._solve(call)
            finally:
                ended.set()

        def _run(self, build: FakeBuild) -> Mapping[str, str]:
            self.close()
            return super()._run(build)

    daemon = Stopping()
    with Client(daemon.address) as client, pytest.raises((CancelledError, TransportError)):
        client.solve(BUILD)
    assert ended.wait(SECONDS)
    daemon.__exit__(None, None, None)


def usage(name: str, *, in_use: bool = False) -> Usage:
    return Usage(name, 10, "regular", f"of {name}", in_use, False, True, ("p",), 3, MOMENT, None)


def test_cache_records_are_listed_and_pruned(connect: Callable[..., Client]) -> None:
    kept, removed = usage("a", in_use=True), usage("b")
    client = connect(usage=[kept, removed])
    assert client.disk_usage() == (kept, removed)
    assert tuple(client.prune()) == (removed,)
    assert client.disk_usage() == (kept,)


def test_builds_are_recorded_in_the_history(connect: Callable[..., Client]) -> None:
    def script(build: FakeBuild) -> None:
        if build.frontend:
            raise RemoteError("no", code=2)

    client = connect(script=script)
    client.solve(BUILD, ref="one")
    with pytest.raises(SolveError):
        client.solve(frontend="x.v0", frontend_attrs={"a": "1"}, ref="two")
    records = {
        build.ref: (build.frontend, build.frontend_attrs, build.error)
        for build in (client.history().builds())
    }
    assert records == {"one": ("", {}, None), "two": ("x.v0", {"a": "1"}, "no")}
    assert client.history().build("one").ref == "one"


def test_closing_a_daemon_removes_its_socket() -> None:
    with FakeDaemon() as daemon:
        path = Path(daemon.address.removeprefix("unix://"))
        assert path.is_socket()
    daemon.close()
    assert not path.parent.exists()
    with pytest.raises(ConnectError):
        Client(daemon.address)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'scripts'"):
        FakeDaemon(scripts=None)  # type: ignore[call-arg]


def test_an_empty_build_has_no_steps(connect: Callable[..., Client]) -> None:
    events: list[Event] = []
    connect().solve(Scratch().marshal(), on_event=events.append)
    assert events == []
