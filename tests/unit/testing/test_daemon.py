"""A fake daemon answers any client as its script says, and asks the client's session."""

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
BUILD = Image("alpine").run("make")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a daemon says of a build may take as long as it does on a machine that is busy."""
    for name in ("_STATUS_SECONDS", "_SILENT_SECONDS", "_SESSION_SECONDS"):
        monkeypatch.setattr(f"llb.client.solve.{name}", SECONDS)
    monkeypatch.setattr("llb.testing.daemon._SECONDS", SECONDS)


@pytest.fixture
def connect(fake_daemon: Make) -> Iterator[Callable[..., Client]]:
    """Make clients of fake daemons, by what those are given."""
    clients: list[Client] = []

    def make(**options: object) -> Client:
        clients.append(Client(fake_daemon(**options).address))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def test_it_says_what_it_is(connect: Callable[..., Client]) -> None:
    client = connect(version="v0.20.0", platforms=["linux/arm64", "linux/amd64"])
    assert client.info().version == "v0.20.0"
    (worker,) = client.workers()
    assert worker.platforms == (Platform("linux", "arm64"), Platform("linux", "amd64"))


def test_an_old_one_is_refused_what_it_cannot_do(connect: Callable[..., Client]) -> None:
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
    names = [each.name for each in events if isinstance(each, Vertex)]
    assert names == ["docker-image://docker.io/library/alpine:latest", "run make"]


def test_a_frontend_is_asked_for_with_its_attributes(fake_daemon: Make) -> None:
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
        text = gateway.read_file(ref, "name").decode()
        return Result(gateway.solve(Image(text).run(request.options["do"]).marshal()))

    (tmp_path / "name").write_text("debian")
    daemon = fake_daemon(frontends={"own.v0": frontend})
    with Client(daemon.address) as client:
        options = {"local_dirs": {"context": tmp_path}, "frontend_attrs": {"do": "make"}}
        client.solve(frontend="own.v0", **options)  # type: ignore[arg-type]
    built = daemon.builds[0].definitions[""]
    assert built.ops == Image("debian").run("make").marshal().ops


def test_the_script_tells_events_and_answers(connect: Callable[..., Client]) -> None:
    told: list[Event] = [
        Vertex("sha256:a", "one", (), False, MOMENT, None, None, ProgressGroup("g", "group", True)),
        VertexStatus("part", "sha256:a", "part", 1, 2, MOMENT, MOMENT),
        VertexLog("sha256:a", 1, b"line\n", MOMENT),
        VertexWarning(
            "sha256:a", 2, "slow", ("very",), "https://x", Span("File", "one\ntwo\n", 1, 2)
        ),
        Vertex("sha256:a", "one", ("sha256:b",), True, MOMENT, MOMENT, "failed"),
    ]

    def script(build: FakeBuild) -> dict[str, str]:
        for each in told:
            build.show(each)
        return {"containerimage.digest": "sha256:c"}

    events: list[Event] = []
    result = connect(script=script).solve(BUILD, on_event=events.append)
    assert events == told
    assert result.exporter_response == {"containerimage.digest": "sha256:c"}


def test_a_step_fails_with_all_that_a_daemon_says(connect: Callable[..., Client]) -> None:
    def script(build: FakeBuild) -> None:
        raise build.failure("run make", 2, log="no rule\n")

    with pytest.raises(SolveError) as caught:
        connect(script=script).solve(BUILD)
    error = caught.value
    assert (error.exit_code, error.step, error.log) == (2, "run make", ("no rule",))
    text = 'process "/bin/sh -c make" did not complete successfully: exit code: 2'
    assert render(error).splitlines()[:2] == [f"error: {error.span}: {text}", "  | no rule"]
    assert str(error.span).startswith("tests/unit/testing/test_daemon.py:")


def test_an_error_of_any_kind_reaches_the_client(connect: Callable[..., Client]) -> None:
    def script(_: FakeBuild) -> None:
        raise RemoteError("no space left on device", code=8)

    with pytest.raises(SolveError) as caught:
        connect(script=script).solve(BUILD)
    assert (caught.value.message, caught.value.code) == ("no space left on device", 8)


def test_a_session_gives_what_the_client_has(
    connect: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []

    def script(build: FakeBuild) -> None:
        session = build.session
        found.append(session.files("context", exclude=["*.log"]))
        found.append(session.secret("token"))
        found.append(session.credentials("example.com"))
        found.append("/moby.filesync.v1.FileSync/DiffCopy" in session.methods)
        for ask in (lambda: session.secret("other"), lambda: session.files("other")):
            with pytest.raises(RemoteError) as caught:
                ask()
            found.append(caught.value.code)

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
    assert found == [
        {"empty": b"", "sub ü/large": large},
        b"secret",
        ("me", "secret"),
        True,
        5,
        5,
    ]


def test_results_are_sent_to_where_the_client_wants_them(
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
    assert sorted(str(each.relative_to(out)) for each in out.rglob("*")) == [
        *("a", "a-b", "a/b", "a/l", "e")
    ]
    assert (out / "a/b").read_bytes() == (out / "a/l").read_bytes() == large
    assert (out / "a/b").stat().st_mode & 0o777 == 0o750


def test_what_the_client_refuses_is_an_error_of_the_build(connect: Callable[..., Client]) -> None:
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
        text = gateway.read_file(ref, "name").decode()
        return Result(gateway.solve(Image(text).marshal()))

    events: list[Event] = []
    client = connect()
    client.build(function, local_dirs={"context": tmp_path}, on_event=events.append)
    assert [each.name for each in events if isinstance(each, Vertex)] == [
        "docker-image://docker.io/library/debian:latest"
    ]
    assert client.resolve_image_config("alpine").config.startswith(b'{"architecture":"amd64"')


def test_a_script_that_breaks_fails_the_test() -> None:
    def script(build: FakeBuild) -> None:
        build.step("run mak")

    message = (
        "no step 'run mak' in the build; there are "
        "'docker-image://docker.io/library/alpine:latest', 'run make'"
    )
    daemon = FakeDaemon(script=script)
    with Client(daemon.address) as client, pytest.raises(SolveError) as told:
        client.solve(BUILD)
    assert told.value.message == f"the script failed: {AssertionError(message)!r}"
    with pytest.raises(AssertionError) as caught:
        daemon.__exit__(None, None, None)
    assert str(caught.value) == message


def test_a_build_can_be_given_up(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The daemon has nothing to tell of it, and does not end the stream of its events.
    monkeypatch.setattr("llb.client.solve._SILENT_SECONDS", 0.1)
    waiting = threading.Event()
    with pytest.raises(CancelledError):
        connect(script=lambda _: waiting.wait(SECONDS) and None).solve(BUILD, timeout=0.2)
    waiting.set()


def test_a_daemon_that_stops_ends_builds_of_the_client() -> None:
    daemon = FakeDaemon()
    asked, stopped = threading.Event(), threading.Event()

    def function(_: Request, gateway: Gateway) -> Result:
        asked.set()
        assert stopped.wait(SECONDS)
        return Result()

    def stop() -> None:
        asked.wait(SECONDS)
        daemon.close()
        stopped.set()

    closing = threading.Thread(target=stop)
    closing.start()
    with Client(daemon.address) as client, pytest.raises((CancelledError, TransportError)):
        client.build(function)
    closing.join()
    daemon.__exit__(None, None, None)


def test_a_build_that_has_just_begun_ends_with_its_daemon() -> None:
    over = threading.Event()

    class Stopping(FakeDaemon):
        def _solve(self, call: ServerCall) -> None:
            try:
                super()._solve(call)
            finally:
                over.set()

        def _run(self, build: FakeBuild) -> Mapping[str, str]:
            self.close()
            return super()._run(build)

    daemon = Stopping()
    with Client(daemon.address) as client, pytest.raises((CancelledError, TransportError)):
        client.solve(BUILD)
    assert over.wait(SECONDS)
    daemon.__exit__(None, None, None)


def usage(name: str, *, in_use: bool = False) -> Usage:
    return Usage(name, 10, "regular", f"of {name}", in_use, False, True, ("p",), 3, MOMENT, None)


def test_a_cache_is_told_and_thrown_away(connect: Callable[..., Client]) -> None:
    kept, gone = usage("a", in_use=True), usage("b")
    client = connect(usage=[kept, gone])
    assert client.disk_usage() == (kept, gone)
    assert tuple(client.prune()) == (gone,)
    assert client.disk_usage() == (kept,)


def test_builds_are_remembered(connect: Callable[..., Client]) -> None:
    def script(build: FakeBuild) -> None:
        if build.frontend:
            raise RemoteError("no", code=2)

    client = connect(script=script)
    client.solve(BUILD, ref="one")
    with pytest.raises(SolveError):
        client.solve(frontend="x.v0", frontend_attrs={"a": "1"}, ref="two")
    found = {
        each.ref: (each.frontend, each.frontend_attrs, each.error)
        for each in (client.history().builds())
    }
    assert found == {"one": ("", {}, None), "two": ("x.v0", {"a": "1"}, "no")}
    assert client.history().build("one").ref == "one"


def test_nothing_is_left_of_it() -> None:
    with FakeDaemon() as daemon:
        path = Path(daemon.address.removeprefix("unix://"))
        assert path.is_socket()
    daemon.close()
    assert not path.parent.exists()
    with pytest.raises(ConnectError):
        Client(daemon.address)


def test_a_wrong_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'scripts'"):
        FakeDaemon(scripts=None)  # type: ignore[call-arg]


def test_a_tree_of_nothing_has_no_steps(connect: Callable[..., Client]) -> None:
    events: list[Event] = []
    connect().solve(Scratch().marshal(), on_event=events.append)
    assert events == []
