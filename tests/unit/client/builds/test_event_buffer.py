"""Which events of a build are kept, for whom, and for how long."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from llb.client import VertexLog, VertexWarning
from llb.client.builds import event_buffer
from llb.client.builds.event_buffer import EventBuffer
from llb.errors import InvalidValueError
from tests.timing import SECONDS

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def log(text: str) -> VertexLog:
    return VertexLog("sha256:1", 1, text.encode(), NOW)


def filled(*texts: str) -> EventBuffer:
    events = EventBuffer()
    for text in texts:
        events.put(log(text))
    return events


def test_events_before_an_iteration_are_kept() -> None:
    events = filled("a", "b")
    reading = iter(events)
    assert [next(reading), next(reading)] == [log("a"), log("b")]
    events.put(log("c"))
    events.close()
    assert list(reading) == [log("c")]
    assert events.is_over


def test_an_iteration_waits_for_the_next_event_and_for_the_end() -> None:
    events, seen = EventBuffer(), []
    is_seen = threading.Event()

    def read() -> None:
        for event in events:
            seen.append(event)
            is_seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    events.put(log("a"))
    assert is_seen.wait(SECONDS)
    events.close()
    reader.join(SECONDS)
    assert not reader.is_alive()
    assert seen == [log("a")]


def test_two_iterations_share_the_events() -> None:
    events = filled("a", "b")
    first, second = iter(events), iter(events)
    assert [next(first), next(second)] == [log("a"), log("b")]
    events.close()
    assert [*first, *second] == []


def test_nothing_is_kept_once_no_iteration_can_be_expected() -> None:
    events = filled("a")
    events.stop_keeping()
    events.put(log("b"))
    assert events.take() is None
    with pytest.raises(InvalidValueError, match="the events of this build were not kept") as caught:
        iter(events)
    assert caught.value.hint == "begin to iterate over the build before result() is called"


def test_an_iteration_that_has_begun_keeps_its_events() -> None:
    events = filled("a")
    reading = iter(events)
    events.stop_keeping()
    events.put(log("b"))
    events.close()
    assert list(reading) == [log("a"), log("b")]


def test_the_oldest_unread_events_are_dropped_beyond_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_buffer, "_LIMIT", 3 * (event_buffer._EVENT_SIZE + 10))
    events = filled(*(f"line {number:>5}" for number in range(10)))
    events.close()
    warning = VertexWarning("", 1, "dropped 7 events that nobody had read", (), None, None)
    assert list(events) == [warning, *(log(f"line {number:>5}") for number in range(7, 10))]


def test_a_callback_is_called_once_when_there_is_something_to_read() -> None:
    events, calls = EventBuffer(), list[str]()
    events.when_ready(lambda: calls.append("first"))
    assert calls == []
    events.put(log("a"))
    events.put(log("b"))
    assert calls == ["first"]
    events.when_ready(lambda: calls.append("at once"))
    assert calls == ["first", "at once"]
    assert [events.take(), events.take(), events.take()] == [log("a"), log("b"), None]
    events.when_ready(lambda: calls.append("end"))
    events.close()
    assert calls == ["first", "at once", "end"]
    events.when_ready(lambda: calls.append("over"))
    assert calls[-1] == "over"
