"""Whole builds over channels of grpcio: insecure, with mutual TLS, and with interceptors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from llb import Image, Local, Scratch, bind, secret
from llb.client import Client, Vertex, VertexLog, local
from llb.errors import CancelledError, ConnectError, RemoteError, SolveError, TransportError
from llb.gateway import Result
from llb.grpcio import CHANNEL_OPTIONS, control_pb2, control_pb2_grpc
from tests.e2e.servers import free_port
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.gateway import Gateway, Request
    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay

ROOT = Path(__file__).parents[2]
# Without a lookup of the image, whose calls these tests do not count.
BUSYBOX = Image("busybox", inherit_config=False)


class Counting(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """An interceptor that counts the calls by method."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._count(continuation, details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._count(continuation, details, request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return self._count(continuation, details, requests)

    def _count(self, continuation: Any, details: Any, request: Any) -> Any:
        self.calls[details.method.rpartition("/")[2]] += 1
        return continuation(details, request)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def channel(buildkit_host: str, counting: Counting) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(buildkit_host, options=CHANNEL_OPTIONS) as channel:
        yield grpc.intercept_channel(channel, counting)


@pytest.fixture
def client(channel: grpc.Channel) -> Iterator[Client]:
    with Client(channel=channel) as client:
        yield client


@pytest.mark.feature("J16")
def test_a_build_with_directories_secrets_and_exports(
    client: Client, counting: Counting, tmp_path: Path
) -> None:
    content = os.urandom(5_000_000)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "large").write_bytes(content)
    name = f"context-{uuid.uuid4()}"
    state = BUSYBOX.run(
        "cp /in/large /out/large; cat /run/secrets/token > /out/token; echo done",
        mounts=[bind(Local(name), "/in"), bind(Scratch(), "/out"), secret("token")],
        ignore_cache=True,
    )
    logs: list[bytes] = []
    client.solve(
        state.mounted("/out"),
        local_dirs={name: tmp_path / "context"},
        secrets={"token": b"open sesame"},
        exports=[local(tmp_path / "out")],
        on_event=lambda event: logs.append(event.data) if isinstance(event, VertexLog) else None,
    )
    assert (tmp_path / "out" / "large").read_bytes() == content
    assert (tmp_path / "out" / "token").read_bytes() == b"open sesame"
    assert b"".join(logs) == b"done\n"
    assert counting.calls.keys() == {"Info", "Solve", "Status", "Session"}
    assert (counting.calls["Solve"], counting.calls["Session"]) == (1, 1)


def test_a_failing_step_has_its_log_and_source(client: Client) -> None:
    with pytest.raises(SolveError) as caught:
        client.solve(BUSYBOX.run("echo oh no; exit 3", ignore_cache=True))
    error = caught.value
    assert (error.exit_code, error.log) == (3, ("oh no",))
    assert error.span is not None
    assert Path(error.span.filename).name == Path(__file__).name


def dockerfile(folder: Path) -> Path:
    """Write a large Dockerfile that fails, whose text is part of the error."""
    folder.mkdir()
    comments = "".join(f"# {os.urandom(32).hex()}\n" for _ in range(1000))
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN exit 3\n{comments}")
    return folder


def test_an_error_with_a_large_source_needs_the_options(
    client: Client, buildkit_host: str, tmp_path: Path
) -> None:
    folder = dockerfile(tmp_path / "context")
    options: Any = {
        "frontend": "dockerfile.v0",
        "local_dirs": {"context": folder, "dockerfile": folder},
    }
    with pytest.raises(SolveError) as caught:
        client.solve(**options)
    assert caught.value.exit_code == 3
    assert caught.value.span is not None
    assert caught.value.span.line == 2
    with (
        grpc.insecure_channel(buildkit_host) as plain,
        Client(channel=plain) as other,
        pytest.raises(SolveError) as caught,
    ):
        other.solve(**options)
    assert caught.value.hint == (
        "raise the limits of the channel with options=llb.grpcio.CHANNEL_OPTIONS"
    )


def test_a_timeout_ends_the_build_on_the_daemon(client: Client) -> None:
    ref = uuid.uuid4().hex
    with pytest.raises(CancelledError, match="the deadline passed"):
        client.solve(BUSYBOX.run("sleep 1000", ignore_cache=True), timeout=3, ref=ref)
    # On a busy machine, the daemon may not have seen the build.
    wait_until(lambda: statuses(client, ref) in ([], ["canceled"]))


def statuses(client: Client, ref: str) -> list[str]:
    builds = client.history().builds(filters=[f"ref=={ref}"])
    return [build.status for build in builds]


def test_an_exception_of_a_listener_ends_the_build_on_the_daemon(client: Client) -> None:
    ref = uuid.uuid4().hex

    class StopError(Exception):
        pass

    def stop(event: object) -> None:
        if isinstance(event, VertexLog):
            raise StopError

    state = BUSYBOX.run("echo started; sleep 1000", ignore_cache=True)
    with pytest.raises(StopError):
        client.solve(state, on_event=stop, ref=ref)
    wait_until(lambda: statuses(client, ref) == ["canceled"])


@pytest.mark.feature("J16")
def test_a_function_builds_and_reads_results(client: Client, counting: Counting) -> None:
    texts: list[bytes] = []

    def build(_: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(BUSYBOX.run("printf 42 > /answer").marshal())
        texts.append(gateway.read_file(ref, "/answer"))
        with gateway.new_container(ref) as container:
            texts.append(container.run(["cat", "/answer"]).stdout)
        return Result(ref)

    client.build(build)
    assert texts == [b"42", b"42"]
    assert {"Ping", "ReadFile", "NewContainer", "ExecProcess", "Return"} <= counting.calls.keys()


def test_a_large_file_is_read_through_the_gateway(client: Client) -> None:
    sizes: list[int] = []

    def build(_: Request, gateway: Gateway) -> Result:
        ref = gateway.solve(BUSYBOX.run("head -c 10000000 /dev/zero > /zeros").marshal())
        sizes.append(len(gateway.read_file(ref, "/zeros")))
        return Result(ref)

    client.build(build)
    assert sizes == [10_000_000]


def test_history_and_usage_are_read(client: Client, counting: Counting) -> None:
    result = client.solve(BUSYBOX.run("echo a"))
    history = client.history()
    assert history.build(result.ref).status == "completed"
    names = {event.name for event in history.events(result.ref) if isinstance(event, Vertex)}
    assert "/bin/sh -c echo a" in names
    assert client.disk_usage()
    assert client.workers()
    assert client.info().version.startswith("v")
    assert {"ListenBuildHistory", "DiskUsage", "ListWorkers"} <= counting.calls.keys()
    with pytest.raises(RemoteError):
        client.disk_usage(filters=["=="])


def test_an_unknown_image_is_the_error_of_the_registry(client: Client, registry: str) -> None:
    with pytest.raises(SolveError, match="not found"):
        client.solve(Image(f"{registry}/there/is/none:x"))


def test_builds_of_one_channel_run_at_the_same_time(channel: grpc.Channel) -> None:
    refs: list[str] = []

    def build(number: int) -> None:
        with Client(channel=channel) as client:
            refs.append(client.solve(BUSYBOX.run(f"echo {number}", ignore_cache=True)).ref)

    threads = [threading.Thread(target=build, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(refs)) == 8


def test_a_broken_connection_ends_the_build(relay: Relay) -> None:
    with (
        grpc.insecure_channel(relay.address, options=CHANNEL_OPTIONS) as channel,
        Client(channel=channel) as client,
    ):

        def cut(event: object) -> None:
            if isinstance(event, VertexLog):
                relay.cut_all()

        with pytest.raises(TransportError, match=r"^lost the connection to grpc\.Channel: "):
            client.solve(BUSYBOX.run("echo started; sleep 1000", ignore_cache=True), on_event=cut)


@pytest.mark.feature("J16")
def test_a_channel_with_mutual_tls(
    certificates: Path, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    port = free_port()
    start_buildkitd("--port", str(port), "--tls", certificates / "daemon")
    ca, cert, key = (
        (certificates / "client" / f"{name}.pem").read_bytes() for name in ("ca", "cert", "key")
    )
    options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", "buildkit.example"))
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "file").write_text("over TLS")
    with (
        grpc.secure_channel(
            f"127.0.0.1:{port}", grpc.ssl_channel_credentials(ca, key, cert), options
        ) as channel,
        Client(channel=channel) as client,
    ):
        client.solve(
            Local("context"),
            local_dirs={"context": tmp_path / "context"},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "file").read_text() == "over TLS"
    with (
        grpc.secure_channel(
            f"127.0.0.1:{port}", grpc.ssl_channel_credentials(ca), options
        ) as channel,
        pytest.raises(ConnectError, match=r"^no BuildKit answers at grpc\.Channel: "),
    ):
        Client(channel=channel)


def test_stubs_call_the_daemon(buildkit_host: str) -> None:
    with grpc.insecure_channel(buildkit_host, options=CHANNEL_OPTIONS) as channel:
        stub = control_pb2_grpc.ControlStub(channel)
        assert stub.Info(control_pb2.InfoRequest()).buildkitVersion.version.startswith("v")
        with Client(channel=channel) as client:
            ref = client.solve(BUSYBOX.run("echo by stub", ignore_cache=True)).ref
        responses = stub.Status(control_pb2.StatusRequest(Ref=ref))
        assert b"by stub\n" in [log.msg for response in responses for log in response.logs]


def test_the_example_builds_over_a_channel(buildkit_host: str, tmp_path: Path) -> None:
    process = subprocess.run(
        [
            sys.executable,
            ROOT / "examples" / "client" / "grpc_channel.py",
            buildkit_host,
            tmp_path / "out",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "out" / "greeting").read_text() == "hello over gRPC\n"
    # The lookup of the image adds the calls of a frontend.
    lookup = {"ListWorkers", "Ping", "ResolveSourceMeta", "Return"}
    assert set(process.stdout.split()) == {"Info", "Solve", "Status", "Session"} | lookup
