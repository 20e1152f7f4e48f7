"""The OTEL_ variables select where traces of builds are export_spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from llb.cli.telemetry.otel import export_spans
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def provider() -> Iterator[None]:
    """Restore the tracer provider of this process."""
    before = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE._done
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE._done = False
    yield
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE._done = before


@pytest.mark.parametrize(
    "environ",
    [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_EXPORTER": "none, none"}],
)
def test_nothing_is_traced_by_default(environ: dict[str, str]) -> None:
    with export_spans(environ):
        assert trace._TRACER_PROVIDER is None


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:1"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    ],
)
def test_spans_are_children_of_the_span_of_the_parent_process(environ: dict[str, str]) -> None:
    with export_spans({**environ, "TRACEPARENT": PARENT}):
        span = trace.get_current_span().get_span_context()
        assert f"{span.trace_id:032x}" == PARENT.split("-")[1]
        provider = trace.get_tracer_provider()
        assert provider.resource.attributes["service.name"] == "llb"  # type: ignore[attr-defined]
    assert not trace.get_current_span().get_span_context().is_valid


def test_the_service_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    environ = {
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    }
    with export_spans(environ):
        provider = trace.get_tracer_provider()
        assert provider.resource.attributes["service.name"] == "mine"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("environ", "message", "hint"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuff"},
            "unknown OpenTelemetry protocol 'http/protobuff': expected grpc, http/protobuf",
            "did you mean http/protobuf?",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "nonesuch"},
            "trace exporter 'nonesuch' is not installed",
            "`pip install pyllb[otel]` installs the OTLP exporters; see OTEL_TRACES_EXPORTER",
        ),
    ],
)
def test_an_unknown_protocol_or_exporter_is_refused(
    environ: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught, export_spans(environ):
        pass
    assert (caught.value.message, caught.value.hint) == (message, hint)
