"""Export OpenTelemetry traces of ``llb build`` as the OTEL_ variables specify."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.errors import InputError, did_you_mean

with lazy_imports(__name__):
    from importlib import metadata  # 31 ms

    from opentelemetry import (
        context,  # 6 ms
        propagate,  # 25 ms
        trace,  # 12 ms
    )
    from opentelemetry.sdk import resources  # 17 ms
    from opentelemetry.sdk import trace as sdk_trace  # 45 ms
    from opentelemetry.sdk.trace import export  # 34 ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace.export import SpanExporter

_GROUP = "opentelemetry_traces_exporter"
_OTLP = "otlp"
_NONE = "none"
_PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SDK = "opentelemetry.sdk"
# The parent process may pass its span on (OpenTelemetry, "Environment Carriers").
_CARRIERS = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")


@contextmanager
def export_spans(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Export the spans of the block if the environment configures an exporter.

    OTEL_TRACES_EXPORTER or an OTLP endpoint enables it; the exporters read the other
    variables. Without the OpenTelemetry packages the variables are ignored. Raises
    InputError for an unknown protocol or an exporter that is not installed.
    """
    names = _exporter_names(environ) if _is_installed() else []
    if not names:
        yield
        return
    exporters = [_load_exporter(name) for name in names]

    service = {} if "OTEL_SERVICE_NAME" in environ else {"service.name": "llb"}
    provider = sdk_trace.TracerProvider(resource=resources.Resource.create(service))
    for exporter in exporters:
        provider.add_span_processor(export.BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    carrier = {name.lower(): environ[name] for name in _CARRIERS if name in environ}
    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)
        provider.shutdown()


def _exporter_names(environ: Mapping[str, str]) -> list[str]:
    """List the entry points of the configured exporters."""
    configured = environ.get("OTEL_TRACES_EXPORTER", "")
    if not configured and not any(map(environ.get, _ENDPOINTS)):
        return []
    names = [name.strip() for name in (configured or _OTLP).split(",")]
    return [
        _otlp_exporter_name(environ) if name == _OTLP else name for name in names if name != _NONE
    ]


def _is_installed() -> bool:
    return find_spec("opentelemetry") is not None and find_spec(_SDK) is not None


def _otlp_exporter_name(environ: Mapping[str, str]) -> str:
    """Name the OTLP exporter for the protocol; grpc is buildctl's and the SDK's default."""
    variables = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next(filter(None, map(environ.get, variables)), "grpc")
    if protocol not in _PROTOCOLS:
        raise InputError(
            f"unknown OpenTelemetry protocol {protocol!r}: expected {', '.join(_PROTOCOLS)}",
            hint=did_you_mean(protocol, _PROTOCOLS),
        )
    return _PROTOCOLS[protocol]


def _load_exporter(name: str) -> SpanExporter:
    """Load an installed exporter by name. Raises InputError."""
    for entry_point in metadata.entry_points(group=_GROUP, name=name):
        exporter: SpanExporter = entry_point.load()()
        return exporter
    raise InputError(
        f"trace exporter {name!r} is not installed",
        hint="`pip install pyllb[otel]` installs the OTLP exporters; see OTEL_TRACES_EXPORTER",
    )
