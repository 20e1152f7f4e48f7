"""Traces of builds: log records, and spans for programs that use OpenTelemetry."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from llb._lazy import lazy_imports
from llb._logs import logger

with lazy_imports(__name__):
    from opentelemetry import (
        propagate,  # 12 ms
        trace,  # 7 ms
    )

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_log = logger(__name__)

Metadata: TypeAlias = "tuple[tuple[str, str], ...]"

_API = "opentelemetry.trace"


@contextmanager
def build_span(attributes: Mapping[str, str]) -> Iterator[Metadata]:
    """Run a build in a span, and yield the metadata that link the daemon's spans to it.

    The start and the end of the build are logged. Without OpenTelemetry there is no span, and the metadata are empty. An exception that leaves
    the context is recorded in the span.
    """
    with _logged(attributes["buildkit.ref"]), _span(attributes) as metadata:
        yield metadata


@contextmanager
def _logged(ref: str) -> Iterator[None]:
    """Log the start and the end of a build; messages of errors may quote secrets of steps."""
    start = monotonic()
    _log.info("build %s started", ref)
    try:
        yield
    except BaseException as error:
        _log.info("build %s: %s after %.2f s", ref, type(error).__name__, monotonic() - start)
        raise
    _log.info("build %s succeeded after %.2f s", ref, monotonic() - start)


@contextmanager
def _span(attributes: Mapping[str, str]) -> Iterator[Metadata]:
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
