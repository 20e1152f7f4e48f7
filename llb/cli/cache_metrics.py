"""``--debug-json-cache-metrics``: how many steps came from the cache, as buildctl counts them."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.atomic_write import write_whole
from llb.client.progress.events import Vertex

if TYPE_CHECKING:
    from llb.client.progress.events import Event

_STREAMS = ("stdout", "stderr")
# What is done for a build, and by no step that its author wrote.
_NOT_OWN = ("[internal]", "[auth]", "importing cache", "exporting ")
_FROM = re.compile(r"\[.*\] FROM")


@frozen
class _Step:
    name: str
    cached: bool = False
    completed: bool = False


@define
class CacheMetrics:
    """What is known of the steps of a build that began when this was made."""

    _begun: float = field(factory=time.monotonic, init=False)
    _steps: dict[str, _Step] = field(factory=dict, init=False)

    def add(self, event: Event) -> None:
        """Take an event of the build."""
        if isinstance(event, Vertex):
            before = self._steps.get(event.digest, _Step(event.name))
            self._steps[event.digest] = _Step(
                event.name,
                before.cached or event.cached,
                before.completed or event.completed is not None,
            )

    def text(self) -> str:
        """Return a line for each step that was not in the cache, and the counts as JSON."""
        steps = self._steps.values()
        own = [each for each in steps if not each.name.startswith(_NOT_OWN)]
        begins = [each for each in own if _FROM.match(each.name)]
        missed = [each for each in own if not each.cached and each not in begins]
        counts = {
            "total": len(steps),
            "completed": sum(each.completed for each in steps),
            "user_total": len(own),
            "user_cached": sum(each.cached for each in own),
            "user_completed": sum(each.completed for each in own),
            "user_cacheable": len(own) - len(begins),
            "from": len(begins),
            "miss": len(missed),
            "client_duration_ms": int((time.monotonic() - self._begun) * 1000),
        }
        lines = [f"cache miss: {each.name}\n" for each in missed]
        return "".join(lines) + json.dumps(counts, separators=(",", ":")) + "\n"

    def write(self, place: str) -> None:
        """Write the text to ``stdout``, ``stderr`` or a file. Raises InputError."""
        if place in _STREAMS:
            getattr(sys, place).write(self.text())
        else:
            write_whole(place, self.text().encode())
