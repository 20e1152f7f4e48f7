"""``--debug-json-cache-metrics``: count cache hits and misses as buildctl does."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.client.progress.events import Vertex
from llb.local_files.atomic_write import write_whole

if TYPE_CHECKING:
    from llb.client.progress.events import Event

STREAMS = ("stdout", "stderr")
# Vertices that BuildKit and its frontends add, rather than the author of the build.
_INTERNAL = ("[internal]", "[auth]", "importing cache", "exporting ")
_BASE_IMAGE = re.compile(r"\[.*\] FROM")


@frozen
class _Step:
    name: str
    cached: bool = False
    completed: bool = False


@define
class CacheMetrics:
    """The cache hits and misses of one build, timed from the creation of this object."""

    _started: float = field(factory=time.monotonic, init=False)
    _steps: dict[str, _Step] = field(factory=dict, init=False)

    def add(self, event: Event) -> None:
        """Record an event of the build."""
        if isinstance(event, Vertex):
            previous = self._steps.get(event.digest, _Step(event.name))
            self._steps[event.digest] = _Step(
                event.name,
                previous.cached or event.cached,
                previous.completed or event.completed is not None,
            )

    def text(self) -> str:
        """Format one line per cache miss, then the counts as JSON."""
        steps = self._steps.values()
        user_steps = [step for step in steps if not step.name.startswith(_INTERNAL)]
        base_images = [step for step in user_steps if _BASE_IMAGE.match(step.name)]
        missed = [step for step in user_steps if not step.cached and step not in base_images]
        counts = {
            "total": len(steps),
            "completed": sum(step.completed for step in steps),
            "user_total": len(user_steps),
            "user_cached": sum(step.cached for step in user_steps),
            "user_completed": sum(step.completed for step in user_steps),
            "user_cacheable": len(user_steps) - len(base_images),
            "from": len(base_images),
            "miss": len(missed),
            "client_duration_ms": int((time.monotonic() - self._started) * 1000),
        }
        lines = [f"cache miss: {step.name}\n" for step in missed]
        return "".join(lines) + json.dumps(counts, separators=(",", ":")) + "\n"

    def write(self, destination: str) -> None:
        """Write the metrics to ``stdout``, ``stderr`` or a file. Raises InputError."""
        if destination in STREAMS:
            getattr(sys, destination).write(self.text())
        else:
            write_whole(destination, self.text().encode())
