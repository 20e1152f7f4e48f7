"""The fakes of llb.testing behave like a real BuildKit, and stock clients can use them."""

from __future__ import annotations

import re
import subprocess
import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest
from attrs import evolve, frozen

from llb import (
    Image,
    Local,
    Scratch,
    State,
    copy,
    files,
    merge,
    mkdir,
    mkfile,
    passthrough,
    resolve_images,
)
from llb.client import Client, Event, Vertex, VertexLog
from llb.client.connect.errors import to_solve_error
from llb.errors import InputError, RemoteError, SolveError
from llb.gateway import FileStat, Gateway, Ref, Request, Result
from llb.sources.inline_files import File, Symlink
from llb.testing.daemon import FakeDaemon
from llb.testing.failures import Failed
from llb.testing.gateway import FakeGateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing.fake_buildkit.builds import FakeBuild
    from tests.e2e.conftest import Buildctl

FAILING = Image("busybox").run("echo broken >&2; exit 3", name="the failing step")
PATHS = (
    *(
        "a.txt",
        "/a.txt",
        "./a.txt",
        "../a.txt",
        "sub/../a.txt",
        "sub",
        "sub/",
        "sub/b.txt",
        "",
        "/",
    ),
    *("nope", "sub/nope", "nope/nope", "a.txt/x", "a.txt/x/y"),
    *("link", "folder/b.txt", "folder", "broken", "outside", "around"),
)
BASE = files({"a": File("1", owner="5:6"), "d/x": File("2", mode=0o600), "d/y": "3"})
ACTIONS = {
    "mkfile": Scratch().mkfile("/m", "x", mode=0o640, owner="7"),
    "mkfile twice": Scratch().mkfile("/m", "1").mkfile("/m", "22"),
    "mkfile nowhere": Scratch().mkfile("/n/m", ""),
    "mkfile on a directory": Scratch().mkdir("/m").mkfile("/m", ""),
    "mkfile on the root": Scratch().mkfile("/", ""),
    "mkfile through a link": Scratch().symlink("/x", "/m").mkfile("/m", "1"),
    "mkdir": Scratch().mkdir("/m", mode=0o711, owner="7:8"),
    "mkdir twice": Scratch().mkdir("/m", mode=0o711).mkdir("/m"),
    "mkdir nowhere": Scratch().mkdir("/n/m"),
    "mkdir on a file": Scratch().mkfile("/m", "").mkdir("/m"),
    "mkdir with parents": Scratch().mkdir("/m/n/o", parents=True, mode=0o700, owner="7:8"),
    "symlink": Scratch().symlink("/a", "/m", owner="7:8"),
    "symlink through a link": Scratch().symlink("/x", "/m").symlink("/y", "/m"),
    "rm": BASE.rm("/d"),
    "rm nothing": BASE.rm("/x"),
    "rm what may not be there": BASE.rm("/x", allow_not_found=True),
    "rm a pattern": BASE.rm("/d/*", wildcard=True),
    "rm a pattern of nothing": BASE.rm("/x*", wildcard=True),
    "rm a pattern that is none": BASE.rm("/x", wildcard=True),
    "copy a file": Scratch().copy(BASE, "/m", src="a"),
    "copy a file to an owner": Scratch().copy(BASE, "/m/n/", src="a", owner="7:8"),
    "copy a tree": Scratch().copy(BASE, "/m", mode=0o750),
    "copy a tree into a directory": Scratch().mkdir("/m", mode=0o711).copy(BASE, "/m"),
    "copy a directory": Scratch().mkdir("/m").copy(BASE, "/m", src="d", contents_only=False),
    "copy a pattern": Scratch().copy(BASE, "/m/", src="*"),
    "copy a pattern of nothing": Scratch().copy(BASE, "/m/", src="z*"),
    "copy nothing": Scratch().copy(BASE, "/m/", src="z"),
    "copy a pattern of nothing if any": Scratch().copy(
        BASE, "/m/", src="z*", allow_empty_wildcard=True
    ),
    "several actions": Scratch().file(mkdir("/m"), copy(BASE, "/m/"), mkfile("/m/z", "1")),
    "merge": merge([BASE, files({"a": "2", "e": Symlink("a")})]),
    "passthrough": passthrough("both", [BASE, files({"m": "1"})])[1],
}


@frozen
class GatewayPair:
    """A fake gateway and a real one for the same frontend."""

    address: str
    folder: Path

    def compare(self, inspect: Callable[[Gateway], list[str]]) -> tuple[list[str], list[str]]:
        """Run a function with both gateways; return its results, the real one's first."""
        results: list[list[str]] = []

        def frontend(_: Request, gateway: Gateway) -> Result:
            results.append([normalize(line) for line in inspect(gateway)])
            return Result()

        outputs = {"the failing step": Failed(3)}
        with Client(self.address) as client:
            client.build(frontend, local_dirs={"context": self.folder})
            config = client.resolve_image_config("busybox").config
        local = {"context": self.folder}
        with FakeGateway(local_dirs=local, images={"busybox": config}, outputs=outputs) as fake:
            fake.run(frontend)
        real, faked = results
        return real, faked


@pytest.fixture
def gateways(buildkit_host: str, tmp_path: Path) -> GatewayPair:
    """Both gateways, with a local directory that contains files, links and directories."""
    folder = tmp_path / "context"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    (folder / "b.log").write_text("log")
    (folder / "sub" / "b.txt").write_text("b")
    (folder / "sub" / "run").write_text("#!")
    (folder / "sub" / "run").chmod(0o751)
    for name, target in (
        ("link", "a.txt"),
        ("folder", "sub"),
        ("broken", "nowhere"),
        ("outside", "/etc/passwd"),
        ("around", "around"),
    ):
        (folder / name).symlink_to(target)
    return GatewayPair(buildkit_host, folder)


def normalize(message: str) -> str:
    """Replace the varying parts of a message: mount points and refs."""
    message = re.sub(r"buildkit-mount[0-9]+", "MOUNT", message)
    message = re.sub(
        r"/root/\S+?/(?:snapshots/[0-9]+/fs|cachemounts/buildkit[0-9]+)", "MOUNT", message
    )
    message = re.sub(r"checksum of ref \S+:", "checksum of ref REF:", message)
    return re.sub(r"all \[[^]]*\]", "all REFS", message)


def describe(stat: FileStat) -> str:
    """Describe a file, without its timestamps."""
    return f"{stat.path} {stat.mode:o} {stat.uid}:{stat.gid} {stat.size} {stat.target!r}"


def describe_call(call: Callable[..., object], *arguments: object) -> str:
    """Describe the result or the error of a call."""
    try:
        result = call(*arguments)
    except RemoteError as error:
        solve_error = to_solve_error(error, lambda _: None, lambda _: ())
        details = (
            solve_error.vertex,
            solve_error.exit_code,
            solve_error.span and solve_error.span.line,
        )
        return f"{error.code}: {error.message} {details}"
    if isinstance(result, FileStat):
        return describe(result)
    return str([describe(entry) for entry in result] if isinstance(result, tuple) else result)


def solve(gateway: Gateway, state: State) -> Ref:
    # A daemon shares equal steps of concurrent builds, including local files.
    definition = state.marshal(platform="linux/amd64", local_unique_id=uuid.uuid4().hex)
    return gateway.solve(definition)


def list_tree(gateway: Gateway, ref: Ref, path: str = "/") -> list[str]:
    """List the files of a tree with their descriptions."""
    lines = []
    for entry in gateway.read_dir(ref, path):
        entry_path = f"{path.rstrip('/')}/{entry.path}"
        lines.append(f"{entry_path} {describe(entry)}")
        if entry.mode & 0o170000 == 0o040000:
            lines += list_tree(gateway, ref, entry_path)
    return lines


@pytest.mark.since("v0.34.0", "the errors that FakeBuildKit imitates")
def test_both_gateways_read_files_alike(gateways: GatewayPair) -> None:
    def look(gateway: Gateway) -> list[str]:
        ref = solve(gateway, Local("context"))
        calls = (gateway.read_file, gateway.stat_file, gateway.read_dir)
        lines = [f"{path}: {describe_call(call, ref, path)}" for path in PATHS for call in calls]
        lines += [
            describe_call(partial(gateway.read_file, offset=offset, length=length), ref, "a.txt")
            for offset, length in ((1, 3), (2, 100), (9, 1))
        ]
        return lines + [
            describe_call(partial(gateway.read_dir, pattern=pattern), ref, "/")
            for pattern in ("*.txt", "sub", "**/run", "x", "[", "s*", "!a.txt")
        ]

    real, fake = gateways.compare(look)
    assert fake == real


@pytest.mark.parametrize(
    "state",
    [
        Local("context", include=["sub", "*.txt"]),
        Local("context", exclude=["sub/*", "!sub/run"]),
        Local("context", follow_paths=["link", "folder/b.txt"]),
        Local("other"),
    ],
)
def test_both_gateways_filter_local_directories_alike(gateways: GatewayPair, state: State) -> None:
    def look(gateway: Gateway) -> list[str]:
        ref = solve(gateway, state)
        try:
            return list_tree(gateway, ref)
        except RemoteError as error:
            return [f"{error.code}: {error.message}"]

    real, fake = gateways.compare(look)
    assert fake == real


@pytest.mark.since("v0.34.0", "the errors that FakeBuildKit imitates")
def test_both_gateways_apply_file_actions_alike(gateways: GatewayPair) -> None:
    def look(gateway: Gateway) -> list[str]:
        return [
            f"{name}: {describe_call(list_tree, gateway, solve(gateway, state))}"
            for name, state in ACTIONS.items()
        ]

    real, fake = gateways.compare(look)
    assert fake == real


@pytest.mark.since("v0.32.2", "the errors that FakeBuildKit imitates")
def test_both_gateways_report_errors_alike(gateways: GatewayPair) -> None:
    def look(gateway: Gateway) -> list[str]:
        scratch = solve(gateway, Scratch())
        failing = solve(gateway, FAILING)
        missing = Image("nonesuch").marshal(platform="linux/amd64")
        return [
            str(scratch),
            describe_call(gateway.read_file, scratch, "a"),
            describe_call(gateway.stat_file, Ref("none"), "a"),
            describe_call(gateway.read_file, failing, "a"),
            describe_call(gateway.read_file, failing, "a"),
            describe_call(partial(gateway.solve, evaluate=True), missing),
            describe_call(gateway.resolve_image_config, "docker.io/library/nonesuch:latest"),
            describe_call(gateway.resolve_image_config, "busybox"),
            str(gateway.resolve_image_config("docker.io/library/busybox:latest").config),
            describe_call(gateway.solve_frontend, "nonesuch.v0", {}),
            describe_call(gateway.solve_frontend, "gateway.v0", {}),
            str(gateway.inputs()),
        ]

    real, fake = gateways.compare(look)
    assert fake == real


@pytest.mark.since("v0.31.0", "the capabilities of FakeBuildKit")
def test_the_capabilities_of_the_fake_exist_on_the_real_daemon(gateways: GatewayPair) -> None:
    def look(gateway: Gateway) -> list[str]:
        return sorted(gateway.caps.frontend | gateway.caps.llb)

    real, fake = gateways.compare(look)
    assert set(fake) <= set(real)


def script(build: FakeBuild) -> None:
    """Show the steps of a build, and fail if it contains the failing step."""
    build.show_steps()
    if any("echo broken" in str(definition.ops) for definition in build.definitions.values()):
        raise build.failure("the failing step", 3, log="broken\n")


@pytest.fixture(params=["real", "fake"])
def client(request: pytest.FixtureRequest, buildkit_host: str) -> Iterator[Client]:
    """A client of the stack's daemon, and a client of a fake daemon."""
    if request.param == "real":
        with Client(buildkit_host) as client:
            yield client
        return
    with FakeDaemon(script=script) as daemon, Client(daemon.address) as client:
        yield client


def test_a_client_sees_the_same_failing_step_on_both(client: Client) -> None:
    events: list[Event] = []
    with pytest.raises(SolveError) as caught:
        client.solve(FAILING, on_event=events.append, ref=(ref := f"fails-{id(events)}"))
    error = caught.value
    assert error.message == (
        'process "/bin/sh -c echo broken >&2; exit 3" did not complete successfully: exit code: 3'
    )
    assert (error.exit_code, error.step, error.log) == (3, "the failing step", ("broken",))
    resolved = resolve_images(FAILING, client, platform="linux/amd64")
    assert error.vertex == resolved.marshal(platform="linux/amd64").vertices()[1].digest
    assert error.span is not None
    assert error.span.text.splitlines()[error.span.line - 1].startswith("FAILING = ")
    assert {event.error for event in events if isinstance(event, Vertex)} == {None, error.message}
    assert b"".join(event.data for event in events if isinstance(event, VertexLog)) == b"broken\n"
    record = client.history().build(ref)
    assert (record.frontend, record.error) == ("", error.message)


def test_a_function_of_the_client_reads_its_files_on_both(client: Client, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("1")
    (tmp_path / "left").write_text("2")
    names: list[list[str]] = []

    def function(request: Request, gateway: Gateway) -> Result:
        ref = solve(gateway, Local("context", exclude=["left"]))
        names.append([entry.path for entry in gateway.read_dir(ref, "/")])
        assert request.options == {"a": "1"}
        return Result(solve(gateway, Scratch().mkfile("/x", "1", name="the file")))

    events: list[Event] = []
    client.build(
        function,
        local_dirs={"context": tmp_path},
        frontend_attrs={"a": "1"},
        on_event=events.append,
    )
    assert names == [["kept"]]
    assert client.info().package == "github.com/moby/buildkit"
    assert "linux" in {platform.os for worker in client.workers() for platform in worker.platforms}


def test_a_missing_local_directory_is_the_same_error(client: Client) -> None:
    def function(_: Request, gateway: Gateway) -> Result:
        gateway.read_file(solve(gateway, Local("other")), "x")
        raise AssertionError

    with pytest.raises(InputError, match="the build asks for the local directory 'other'"):
        client.build(function)


@pytest.mark.since("v0.32.2", "the error for an image that a mirror does not have", case="real")
def test_a_missing_image_is_the_same_error(client: Client) -> None:
    with pytest.raises(RemoteError) as caught:
        client.resolve_image_config("nonesuch")
    assert caught.value.message == "docker.io/library/nonesuch:latest: not found"


def test_the_stock_client_builds_on_a_fake_daemon(buildctl: Buildctl, tmp_path: Path) -> None:
    received: list[object] = []

    def run_build(build: FakeBuild) -> dict[str, str]:
        session = build.session
        received.extend([session.files("context", exclude=["y"]), session.secret("token")])
        session.send_tree({"a-b": "1", "a/b": b"2" * 100_000, "a/l": Symlink("b")})
        build.show_steps()
        return {"containerimage.digest": "sha256:1"}

    def frontend(request: Request, gateway: Gateway) -> Result:
        name = gateway.read_file(solve(gateway, Local("context")), "x").decode()
        return Result(solve(gateway, Image(name).run(request.options["command"])))

    context, secret, out = (tmp_path / name for name in ("context", "secret", "out"))
    context.mkdir()
    (context / "x").write_text("busybox")
    (context / "y").write_text("2")
    secret.write_text("s3cret")
    definition = Image("busybox").run("make").marshal(platform="linux/amd64").to_bytes()
    inputs = ("--local", f"context={context}", "--secret", f"id=token,src={secret}")
    output = ("--output", f"type=local,dest={out}", "--progress", "plain")
    own_frontend = ("--frontend", "own.v0", "--opt", "command=make all")
    with FakeDaemon(script=run_build, frontends={"own.v0": frontend}) as daemon:
        stock = [buildctl.program, "--addr", daemon.address]
        for extra, step in (((), b"run make"), (own_frontend, b"run make all")):
            process = subprocess.run(
                [*stock, "build", *inputs, *output, *extra],
                input=None if extra else definition,
                stdin=subprocess.DEVNULL if extra else None,
                capture_output=True,
                check=False,
            )
            assert process.returncode == 0, process.stderr
            assert step in process.stderr
            assert (out / "a" / "l").read_bytes() == b"2" * 100_000
        histories = evolve(buildctl, address=daemon.address)("debug", "histories")
        assert all(record.ref in histories for record in daemon.builds)
    assert received == [{"x": b"busybox"}, b"s3cret"] * 2


def test_the_stock_client_shows_a_failure_on_a_fake_daemon(
    buildctl: Buildctl,
) -> None:
    with FakeDaemon(script=script, platforms=["linux/riscv64"]) as daemon:
        stock = evolve(buildctl, address=daemon.address)
        assert "linux/riscv64" in stock("debug", "workers")
        process = subprocess.run(
            [stock.program, "--addr", stock.address, "build", "--progress", "plain"],
            input=FAILING.marshal(platform="linux/amd64").to_bytes(),
            capture_output=True,
            check=False,
        )
    assert process.returncode == 1
    assert b"broken" in process.stderr
    lines = [line.strip() for line in process.stderr.decode().splitlines()]
    assert any(">>> FAILING = " in line for line in lines)
