"""Where traces of ``llb build`` go: what the OTEL_ variables of the environment say."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from llb.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace.export import SpanExporter

_GROUP = "opentelemetry_traces_exporter"
_OTLP = "otlp"
_NONE = "none"
_PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SDK = "opentelemetry.sdk"
# Who started this program may have a span of its own (OpenTelemetry, "Environment Carriers").
_CARRIERS = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")


@contextmanager
def exported(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send spans of what is done meanwhile, where variables ask for that.

    These are OTEL_TRACES_EXPORTER, or an endpoint of OTLP; the exporters read the rest of
    them. Without OpenTelemetry's packages they are for other programs, and nothing is sent.
    Raises InputError for a protocol that is none, and an exporter that no package brings.
    """
    names = _wanted(environ) if _is_installed() else []
    if not names:
        yield
        return
    exporters = [_exporter(name) for name in names]
    # They are optional, and take 80 ms to import.
    from opentelemetry import context, propagate, trace  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    service = {} if "OTEL_SERVICE_NAME" in environ else {"service.name": "llb"}
    provider = TracerProvider(resource=Resource.create(service))
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    carrier = {name.lower(): environ[name] for name in _CARRIERS if name in environ}
    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)
        provider.shutdown()


def _wanted(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the exporters, as packages have them."""
    named = environ.get("OTEL_TRACES_EXPORTER", "")
    if not named and not any(map(environ.get, _ENDPOINTS)):
        return []
    names = [name.strip() for name in (named or _OTLP).split(",")]
    return [_of_protocol(environ) if name == _OTLP else name for name in names if name != _NONE]


def _is_installed() -> bool:
    return find_spec("opentelemetry") is not None and find_spec(_SDK) is not None


def _of_protocol(environ: Mapping[str, str]) -> str:
    """Return the name of OTLP's exporter; grpc is the default of buildctl and of Python's SDK."""
    variables = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next(filter(None, map(environ.get, variables)), "grpc")
    if protocol not in _PROTOCOLS:
        raise InputError(
            f"unknown protocol of OpenTelemetry {protocol!r}: expected {', '.join(_PROTOCOLS)}",
            hint=did_you_mean(protocol, _PROTOCOLS),
        )
    return _PROTOCOLS[protocol]


def _exporter(name: str) -> SpanExporter:
    """Return the exporter that a package brings under a name. Raises InputError."""
    # What is installed takes 10 ms to find out about.
    from importlib.metadata import entry_points  # noqa: PLC0415

    for found in entry_points(group=_GROUP, name=name):
        exporter: SpanExporter = found.load()()
        return exporter
    raise InputError(
        f"no exporter of traces {name!r} is installed",
        hint="`pip install pyllb[otel]` brings those of OTLP; see OTEL_TRACES_EXPORTER",
    )
