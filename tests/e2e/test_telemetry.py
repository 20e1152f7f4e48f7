"""OpenTelemetry traces of builds: sent to a collector, and joined with the daemon's."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.test_failures import check_error, cli
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """A collector of OTLP over HTTP, and the spans that it received."""

    def __init__(self) -> None:
        self.received: list[ResourceSpans] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                collector.received += ExportTraceServiceRequest.FromString(body).resource_spans
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def span(self) -> Span:
        """The only span that was received."""
        (span,) = (
            span
            for resource_span in self.received
            for scope_span in resource_span.scope_spans
            for span in scope_span.spans
        )
        return span


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A running collector to which the environment variables point."""
    running = Collector()
    with running.server as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        yield running
        server.shutdown()
        thread.join()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "build.py"
    path.write_text("from llb import Image, main\nmain(Image('busybox').run('true'))\n")
    return path


def attributes(items: Iterable[KeyValue]) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in items}


def daemon_spans(address: str, ref: str) -> list[dict[str, Any]]:
    """Wait for the spans of a build in the daemon's history, which stores them after the build."""

    def trace() -> subprocess.CompletedProcess[str]:
        return cli("history", "trace", ref, address=address)

    wait_until(lambda: trace().returncode == 0)
    process = trace()
    # The output is a sequence of JSON documents over several lines each.
    return [json.loads(document + "}") for document in process.stdout.split("\n}\n") if document]


@pytest.mark.feature("O14")
def test_spans_of_the_build_and_the_daemon_share_a_trace(
    collector: Collector,
    buildkit_host: str,
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my build")
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{PARENT}-01")
    process = cli("build", script, "--ref-file", tmp_path / "ref", address=buildkit_host)
    assert process.returncode == 0, process.stderr
    ref = (tmp_path / "ref").read_text()
    span = collector.span
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("build", TRACE, PARENT)
    assert attributes(span.attributes) == {"buildkit.ref": ref}
    assert attributes(collector.received[0].resource.attributes)["service.name"] == "my build"
    spans_of_daemon = daemon_spans(buildkit_host, ref)
    assert {daemon_span["SpanContext"]["TraceID"] for daemon_span in spans_of_daemon} == {TRACE}
    assert span.span_id.hex() in {
        daemon_span["Parent"]["SpanID"] for daemon_span in spans_of_daemon
    }


@pytest.mark.feature("O14")
def test_the_span_of_a_build_that_fails_has_the_error(
    collector: Collector, buildkit_host: str, script: Path
) -> None:
    script.write_text("from llb import Image, main\nmain(Image('busybox').run('exit 3'))\n")
    process = cli("build", script, address=buildkit_host)
    assert process.returncode == 1
    assert "exit code: 3" in collector.span.status.message
    (event,) = collector.span.events
    assert event.name == "exception"


IN_MEMORY = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from llb import Image
from llb.client import Client

kept = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
with trace.get_tracer("mine").start_as_current_span("mine"), Client(sys.argv[1]) as client:
    client.solve(Image("busybox").run("true"))
build, mine = kept.get_finished_spans()
assert build.name == "build" and build.parent.span_id == mine.context.span_id
"""


@pytest.mark.feature("O14")
def test_builds_appear_in_the_trace_of_the_calling_program(buildkit_host: str) -> None:
    subprocess.run([sys.executable, "-c", IN_MEMORY, buildkit_host], check=True)


WITHOUT_OPENTELEMETRY = (
    "import sys; sys.modules['opentelemetry'] = None; from llb.cli import main; main()"
)


@pytest.mark.feature("O14")
@pytest.mark.parametrize("exporter", ["", "otlp", "jaeger"])
def test_without_opentelemetry_the_variables_are_ignored(
    exporter: str,
    collector: Collector,
    buildkit_host: str,
    script: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporter)
    command = [
        sys.executable,
        "-c",
        WITHOUT_OPENTELEMETRY,
        "build",
        str(script),
        "--addr",
        buildkit_host,
    ]
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert collector.received == []


@pytest.mark.feature("O14")
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/protobuff",
            "error: unknown OpenTelemetry protocol 'http/protobuff': expected grpc, http/protobuf",
        ),
        (
            "OTEL_TRACES_EXPORTER",
            "jaeger",
            "error: trace exporter 'jaeger' is not installed",
        ),
    ],
)
def test_an_invalid_variable_is_refused_before_the_build(
    name: str,
    value: str,
    error: str,
    collector: Collector,
    script: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)
    check_error(cli("build", script, address="unix:///none"), error)
    assert collector.received == []
