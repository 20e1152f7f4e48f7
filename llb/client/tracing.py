"""Traces of builds through OpenTelemetry, for programs that use it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Metadata: TypeAlias = "tuple[tuple[str, str], ...]"

_API = "opentelemetry.trace"


@contextmanager
def build_span(attributes: Mapping[str, str]) -> Iterator[Metadata]:
    """Have a span of a build, and yield what tells the daemon that its own spans are of that.

    There is none, and nothing to tell, in a process that has not set OpenTelemetry up. An
    error that leaves the context is recorded in the span.
    """
    # Who sets it up has imported it; others are spared 15 ms of import for nothing.
    if _API not in sys.modules:
        yield ()
        return
    from opentelemetry import propagate, trace  # noqa: PLC0415 - an optional package, as said

    tracer = trace.get_tracer("llb")
    with tracer.start_as_current_span(
        "build", kind=trace.SpanKind.CLIENT, attributes=dict(attributes)
    ):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        yield tuple((key.lower(), value) for key, value in carrier.items())
