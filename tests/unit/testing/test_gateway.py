"""The fake gateway answers frontends as a daemon does, and records their calls."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from llb import (
    HTTP,
    Definition,
    Directory,
    File,
    Git,
    Image,
    Local,
    Location,
    Platform,
    Range,
    Scratch,
    SourceFile,
    State,
    Symlink,
    copy,
    files,
    merge,
    mkdir,
    mkfile,
    passthrough,
)
from llb.errors import InvalidValueError, RemoteError, Span
from llb.gateway import Gateway, Ref, Request, Result, SourceInfo, is_not_found
from llb.testing.failures import Failed
from llb.testing.fake_buildkit.records import Solve, Warned
from llb.testing.gateway import FakeGateway, run_frontend
from llb.testing.graphs import assert_runs
from llb.testing.images import DISTROLESS, KNOWN, WINDOWS, FakeImage, FakeImages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llb.sources.inline_files import Content

FILES: Mapping[str, Content] = {
    "a.txt": "hello",
    "bin/run": File(b"\x00", mode=0o755),
    "empty": Directory(),
    "link": Symlink("a.txt"),
    "sub/b.txt": "bb",
}


@pytest.fixture
def daemon(fake_gateway: Callable[..., FakeGateway]) -> FakeGateway:
    """A fake gateway whose client has some files."""
    return fake_gateway(files=FILES)


@pytest.fixture
def gateway(daemon: FakeGateway) -> Gateway:
    """The frontend's end of a conversation with the fake gateway."""
    return daemon.connect()


def tree(gateway: Gateway, state: State, folder: str = "/") -> dict[str, str]:
    """List a directory with the modes of its entries."""
    ref = gateway.solve(state.marshal(platform="linux/amd64"))
    return {entry.path: stat.filemode(entry.mode) for entry in gateway.read_dir(ref, folder)}


def content(gateway: Gateway, state: State, path: str) -> bytes:
    return gateway.read_file(gateway.solve(state.marshal(platform="linux/amd64")), path)


def test_the_files_of_the_client_can_be_read(gateway: Gateway) -> None:
    assert tree(gateway, Local("context")) == {
        "a.txt": "-rw-r--r--",
        "bin": "drwxr-xr-x",
        "empty": "drwxr-xr-x",
        "link": "lrwxrwxrwx",
        "sub": "drwxr-xr-x",
    }
    assert tree(gateway, Local("dockerfile"), "bin") == {"run": "-rwxr-xr-x"}
    assert content(gateway, Local("context"), "link") == b"hello"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"include": ["sub"]}, ["sub"]),
        ({"exclude": ["sub", "*.txt"]}, ["bin", "empty", "link"]),
        ({"follow_paths": ["link"]}, ["a.txt", "link"]),
    ],
)
def test_patterns_select_files(
    gateway: Gateway, options: dict[str, list[str]], names: list[str]
) -> None:
    assert list(tree(gateway, Local("context", **options))) == names  # type: ignore[arg-type]


def test_a_directory_on_disk_can_be_a_local_source(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    with FakeGateway(local_dirs={"context": tmp_path}) as daemon:
        assert content(daemon.connect(), Local("context"), "x") == b"1"


def test_file_actions_are_applied(gateway: Gateway) -> None:
    state = (
        Scratch()
        .mkfile("/a", "1", mode=0o600, owner="3:4")
        .mkdir("/d/e", parents=True)
        .symlink("/a", "/d/l")
        .copy(Local("context"), "/d/", src="sub")
        .copy(Local("context"), "/c/", src="*.txt")
        .copy(Local("context"), "/x", src="a.txt", mode=0o700, owner="7")
        .rm("/d/e")
    )
    assert list(tree(gateway, state)) == ["a", "c", "d", "x"]
    assert tree(gateway, state, "/d") == {"b.txt": "-rw-r--r--", "l": "lrwxrwxrwx"}
    assert tree(gateway, state, "/c") == {"a.txt": "-rw-r--r--"}
    ref = gateway.solve(state.marshal())
    stats = {name: gateway.stat_file(ref, name) for name in ("a", "x")}
    assert {name: (entry.uid, entry.gid, entry.size) for name, entry in stats.items()} == {
        "a": (3, 4, 1),
        "x": (7, 7, 5),
    }
    assert gateway.read_file(ref, "/d/l") == b"1"


def test_actions_of_one_step_build_on_each_other(gateway: Gateway) -> None:
    state = Scratch().file(mkdir("/a"), copy(Local("context"), "/a/"), mkfile("/a/z", "1"))
    assert "z" in tree(gateway, state, "/a")


def test_trees_are_merged_and_passed_through(gateway: Gateway) -> None:
    one, two = files({"a": "1", "b": "1"}), files({"b": "2"})
    assert content(gateway, merge([one, two]), "/b") == b"2"
    first, second = passthrough("both", [one, two])
    assert (content(gateway, first, "/b"), content(gateway, second, "/b")) == (b"1", b"2")


def test_outputs_replace_steps_that_need_a_real_daemon(
    fake_gateway: Callable[..., FakeGateway],
) -> None:
    built = Image("alpine").run("make", name="compile").run("strip /out/app")
    for name in ("run make", "compile"):
        gateway = fake_gateway(
            outputs={"run strip /out/app": {"out/app": b"\x7fELF"}, name: {}}
        ).connect()
        assert content(gateway, Scratch().copy(built, "/app", src="/out/app"), "app") == b"\x7fELF"
    base = fake_gateway(outputs={"docker-image://docker.io/library/alpine:latest": {"etc/x": "1"}})
    assert content(base.connect(), Image("alpine").mkfile("/y", ""), "/etc/x") == b"1"


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(RemoteError) as caught:
        call()
    return f"{caught.value.message} [{caught.value.code}]"


def test_the_error_of_an_unsimulated_step_names_the_step(
    gateway: Gateway, daemon: FakeGateway
) -> None:
    state = Scratch().copy(Image("alpine").run("make"), "/app")
    assert error_of(lambda: content(gateway, state, "/app")) == (
        "the fake daemon cannot build 'run make': only a real daemon can run this step [12]"
    )
    owned = Scratch().copy(Local("context"), "/", owner="somebody")
    assert error_of(lambda: content(gateway, owned, "/app")).endswith(
        ": owner 'somebody' is not a number [12]"
    )
    assert len(daemon.unanswered) == 2


def test_an_unanswered_request_fails_the_test_even_if_the_frontend_handles_the_error() -> None:
    def frontend(_: Request, gateway: Gateway) -> Result:
        with pytest.raises(RemoteError):
            content(gateway, Image("alpine").run("make"), "/x")
        return Result()

    with pytest.raises(AssertionError) as caught:
        run_frontend(frontend)
    assert str(caught.value) == (
        "the fake gateway has no answer to requests of the frontend: "
        "run make: only a real daemon can run this step\n"
        "add answers with outputs=, sources= or frontends=; to run as the frontend that a syntax "
        "line names, pass the option cmdline as a daemon does: {'cmdline': NAME}"
    )


def test_the_hint_about_a_missing_image_adds_it() -> None:
    def frontend(_: Request, gateway: Gateway) -> Result:
        state = Image("python:3.13-slim", resolver=gateway).run("pip list")
        return Result(gateway.solve(state.marshal()))

    missing = run_frontend(frontend)
    with pytest.raises(AssertionError) as caught:
        missing.checked()
    assert str(caught.value).endswith(
        "error: docker.io/library/python:3.13-slim: not found\n"
        "hint: add the image with images={'NAME': FakeImage()}; several are built in"
    )
    known = run_frontend(frontend, images={"python:3.13-slim": FakeImage()})
    assert_runs(known.definition, "pip list")


def test_images_are_resolved_by_either_call(fake_gateway: Callable[..., FakeGateway]) -> None:
    caps = frozenset(("solve.base", "resolveimage", "readfile"))
    images = FakeImages({**KNOWN, "other": '{"os": "linux"}'})
    for options in ({}, {"caps": caps}):
        daemon = fake_gateway(images=images, **options)
        gateway = daemon.connect()
        image = gateway.resolve_image_config(
            "gcr.io/distroless/static:nonroot", platform=Platform("linux", "arm64")
        )
        assert image.config == DISTROLESS.to_json("linux/arm64")
        pinned = gateway.resolve_image_config(f"docker.io/library/other:latest@sha256:{'1' * 64}")
        assert (pinned.digest, pinned.config) == (f"sha256:{'1' * 64}", b'{"os": "linux"}')
        missing = partial(gateway.resolve_image_config, "docker.io/a/b:1")
        assert error_of(missing) == ("docker.io/a/b:1: not found [2]")
        assert daemon.calls[0] == "Ping"
    assert images.asked[0] == "gcr.io/distroless/static:nonroot"


def test_fake_images_resolve_states(fake_images: FakeImages) -> None:
    state = Image("gcr.io/distroless/static:nonroot", resolver=fake_images)
    assert state.cwd == "/home/nonroot"
    assert ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") in (
        state.variables
    )
    windows = Image("mcr.microsoft.com/windows/nanoserver:ltsc2022", resolver=fake_images)
    assert str(windows.settings.platform) == str(WINDOWS.platforms[0])


def test_sources_are_resolved_to_their_configured_metadata(
    fake_gateway: Callable[..., FakeGateway],
) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    git, web = Git("https://github.com/o/r.git", ref="main"), HTTP("https://example.com/x")
    names = [source.marshal().vertices()[0].op["identifier"] for source in (git, web)]
    sources = dict(
        zip(names, (SourceInfo(commit=b"tree 1"), SourceInfo(modified=moment)), strict=True)
    )
    gateway = fake_gateway(sources=sources).connect()
    assert gateway.resolve_source(git.marshal()).commit == b"tree 1"
    assert gateway.resolve_source(web.marshal()).modified == moment
    assert error_of(lambda: gateway.resolve_source(HTTP("https://example.com/y").marshal())) == (
        "the fake daemon has no source 'https://example.com/y' [12]"
    )


def frontend(request: Request, gateway: Gateway) -> Result:
    """Act as a frontend that reads a file and builds from its content."""
    ref = gateway.solve(Local("context", include=["a.txt"]).marshal(platform="linux/amd64"))
    name = gateway.read_file(ref, "a.txt").decode()
    gateway.warn("sha256:x", "slow", detail=["very"], url="u", level=2)
    state = Image("alpine").run(f"echo {name} {request.options['target']}")
    ref = gateway.solve(state.marshal(platform="linux/amd64"), cache_imports=[("inline", {})])
    return Result(ref, metadata={"containerimage.config": b'{"os": "linux"}'})


def test_an_outcome_has_the_result_and_the_calls_of_the_frontend() -> None:
    outcome = run_frontend(frontend, {"target": "all"}, files=FILES)
    assert (outcome.error, outcome.exception) == (None, None)
    assert outcome.result == outcome.checked()
    assert outcome.result == Result(
        Ref("ref2"), metadata={"containerimage.config": b'{"os": "linux"}'}
    )
    assert outcome.image_config == {"os": "linux"}
    expected = Image("alpine").run("echo hello all").marshal(platform="linux/amd64")
    assert outcome.definition.ops == expected.ops
    assert outcome.definitions == {"": outcome.definition}
    assert [solve.ref for solve in outcome.solves] == ["ref1", "ref2"]
    assert outcome.solves[1] == Solve("ref2", outcome.definition, cache_imports=(("inline", {}),))
    assert outcome.warnings == (Warned("sha256:x", "slow", ("very",), "u", 2),)
    assert outcome.calls == (
        "Ping",
        "Solve ref1",
        "ReadFile ref1 a.txt",
        "Warn slow",
        "Solve ref2",
        "Return",
    )


def test_a_multi_platform_result_has_a_definition_per_platform() -> None:
    def multi_platform(request: Request, gateway: Gateway) -> Result:
        states = {str(name): Image("alpine").platform(name) for name in request.platforms}
        return Result(refs={key: gateway.solve(state.marshal()) for key, state in states.items()})

    outcome = run_frontend(multi_platform, platforms=["linux/amd64", "linux/arm64"])
    assert list(outcome.definitions) == ["linux/amd64", "linux/arm64"]
    with pytest.raises(AssertionError, match="the result has 2 trees: linux/amd64, linux/arm64"):
        _ = outcome.definition


def test_an_empty_tree_is_a_valid_result() -> None:
    outcome = run_frontend(lambda _, gateway: Result(gateway.solve(Scratch().marshal())))
    assert outcome.definition == Definition()
    with pytest.raises(AssertionError, match="the result has no containerimage"):
        _ = outcome.image_config


def test_an_error_is_shown_as_the_user_sees_it() -> None:
    def failing(_: Request, gateway: Gateway) -> Result:
        source = "FROM x\nBAD\n"
        raise InvalidValueError("no such word", span=Span("Buildfile", source, 2), hint="try RUN")

    outcome = run_frontend(failing, language="Own")
    assert outcome.result is None
    assert isinstance(outcome.exception, InvalidValueError)
    assert outcome.error is not None
    assert str(outcome.error) == "Buildfile:2: no such word (hint: try RUN)"
    with pytest.raises(AssertionError) as caught:
        outcome.checked()
    assert str(caught.value) == (
        "the frontend failed:\n"
        "1 |     FROM x\n"
        "2 | >>> BAD\n"
        "error: Buildfile:2: no such word (hint: try RUN)"
    )
    assert caught.value.__cause__ is outcome.exception


def test_a_crash_is_an_error_too() -> None:
    outcome = run_frontend(lambda request, _: request.options["missing"])  # type: ignore[arg-type, return-value]
    assert outcome.error is not None
    assert outcome.error.message.startswith("the frontend crashed: KeyError: 'missing'; at ")


def test_an_interrupt_is_passed_on() -> None:
    def interrupted(_: Request, gateway: Gateway) -> Result:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_frontend(interrupted)


def test_a_step_can_fail_with_its_source_location(fake_gateway: Callable[..., FakeGateway]) -> None:
    def failing(_: Request, gateway: Gateway) -> Result:
        location = Location(SourceFile("Buildfile", b"make\n", "Own"), (Range(1, 1),))
        state = Image("alpine").run("make", locations=[location])
        return Result(gateway.solve(state.marshal(), evaluate=True))

    outcome = run_frontend(failing, outputs={"run make": Failed(2)})
    assert outcome.error is not None
    assert outcome.error.message == (
        'process "/bin/sh -c make" did not complete successfully: exit code: 2'
    )
    assert (outcome.error.exit_code, str(outcome.error.span)) == (2, "Buildfile:1")
    assert outcome.error.vertex == outcome.solves[0].definition.vertices()[1].digest  # type: ignore[union-attr]


def test_inputs_and_other_frontends_can_be_used() -> None:
    def inner(request: Request, gateway: Gateway) -> Result:
        (name,) = gateway.inputs()
        content = f"{name} {request.options['filename']}"
        return Result(gateway.solve(files({"made": content}).marshal()))

    def outer(_: Request, gateway: Gateway) -> Result:
        inputs = gateway.inputs()
        result = gateway.solve_frontend(
            "gateway.v0", {"source": "example.com/f", "filename": "x"}, inputs=inputs
        )
        assert result.ref is not None
        assert gateway.read_file(result.ref, "made") == b"base x"
        return result

    inputs = {"base": Image("alpine")}
    outcome = run_frontend(outer, inputs=inputs, frontends={"example.com/f": inner})
    assert outcome.definition.ops == files({"made": "base x"}).marshal().ops
    solve = outcome.solves[0]
    assert (solve.ref, solve.frontend, list(solve.inputs)) == ("", "gateway.v0", ["base"])


def test_the_error_of_a_nested_frontend_is_passed_on() -> None:
    def outer(_: Request, gateway: Gateway) -> Result:
        return gateway.solve_frontend("dockerfile.v0", {})

    def inner(_: Request, gateway: Gateway) -> Result:
        raise InvalidValueError("no Dockerfile")

    outcome = run_frontend(outer, frontends={"dockerfile.v0": inner})
    assert outcome.error is not None
    assert outcome.error.message == "no Dockerfile"


def test_calls_can_be_made_to_fail() -> None:
    errors = {"ReadFile": RemoteError("disk on fire", code=13)}
    outcome = run_frontend(frontend, {"target": "x"}, files=FILES, errors=errors)
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.code) == ("disk on fire", 13)


def test_a_result_can_be_returned_only_once(gateway: Gateway) -> None:
    gateway.return_result(Result())
    assert error_of(lambda: gateway.return_result(Result())) == (
        "gateway result is already set [2]"
    )


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'file'; did you mean files"):
        FakeGateway(file={})  # type: ignore[call-arg]


@pytest.mark.parametrize("invalid", [{"../x": ""}, {"": ""}, {"x": 1}, {"x": File("", owner="me")}])
def test_invalid_files_are_refused(invalid: dict[str, Content]) -> None:
    with pytest.raises(InvalidValueError):
        FakeGateway(files=invalid)


def test_gateways_of_one_test_are_independent(fake_gateway: Callable[..., FakeGateway]) -> None:
    first, second = fake_gateway(files={"a": "1"}), fake_gateway(files={"a": "2"})
    read = partial(content, state=Local("context"), path="a")
    assert (read(first.connect()), read(second.connect())) == (b"1", b"2")


def test_temporary_files_of_a_client_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with FakeGateway(files=FILES):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_has_the_error_of_a_daemon(gateway: Gateway) -> None:
    ref = gateway.solve(Local("context").marshal())
    with pytest.raises(RemoteError) as caught:
        gateway.read_file(ref, "nope")
    assert is_not_found(caught.value)
