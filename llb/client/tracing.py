"""OpenTelemetry traces of builds, for programs that use OpenTelemetry."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    from opentelemetry import (
        propagate,  # 24 ms
        trace,  # 17 ms
    )

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Metadata: TypeAlias = "tuple[tuple[str, str], ...]"

_API = "opentelemetry.trace"


@contextmanager
def build_span(attributes: Mapping[str, str]) -> Iterator[Metadata]:
    """Run a build in a span, and yield the metadata that link the daemon's spans to it.

    Without OpenTelemetry there is no span, and the metadata are empty. An exception that leaves
    the context is recorded in the span.
    """
    # A program that uses OpenTelemetry has imported it; the import takes 15 ms.
    if _API not in sys.modules:
        yield ()
        return

    tracer = trace.get_tracer("llb")
    with tracer.start_as_current_span(
        "build", kind=trace.SpanKind.CLIENT, attributes=dict(attributes)
    ):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        yield tuple((key.lower(), value) for key, value in carrier.items())
