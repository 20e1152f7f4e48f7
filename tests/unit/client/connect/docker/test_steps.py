"""The messages of Docker's pulls and pushes become progress of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb.client.connect.docker.steps import Step
from llb.client.progress.events import Event, Vertex, VertexStatus, from_response
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb._pb import control_pb2 as pb


def follow(messages: list[dict[str, Any]]) -> tuple[list[Event], list[Any]]:
    """Follow messages, and return the events and the extra data."""
    events: list[Event] = []

    def report(response: pb.StatusResponse) -> None:
        events.extend(from_response(response))

    return events, list(Step("push app", report).follow(messages))


def test_a_push_shows_its_layers_and_has_its_digest() -> None:
    progress = {"current": 3, "total": 9}
    events, extra = follow(
        [
            {"status": "The push refers to repository [app]"},
            {"status": "Preparing", "progressDetail": {}, "id": "a"},
            {"status": "Pushing", "progressDetail": progress, "id": "a"},
            {"status": "Pushed", "progressDetail": {}, "id": "a"},
            {"status": "Layer already exists", "progressDetail": {}, "id": "b"},
            {"progressDetail": {}, "aux": {"Tag": "1", "Digest": "sha256:d", "Size": 7}},
        ]
    )
    assert extra == [{"Tag": "1", "Digest": "sha256:d", "Size": 7}]
    assert [
        (event.name, event.current, event.total, event.completed is not None)
        for event in events
        if isinstance(event, VertexStatus)
    ] == [
        ("pushing layer a", 3, 9, False),
        ("pushing layer a", 9, 9, True),
        ("layer b exists", 0, 0, True),
    ]
    first, *_, last = events
    assert isinstance(first, Vertex)
    assert isinstance(last, Vertex)
    assert (first.name, first.completed, last.error) == ("push app", None, None)
    assert last.completed is not None


def test_a_pull_downloads_and_then_extracts_a_layer() -> None:
    events, _ = follow(
        [
            {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"},
            {"status": "Downloading", "progressDetail": {"current": "x"}, "id": "a"},
            {"status": "Extracting", "progressDetail": None, "id": "a"},
            {"status": "Pull complete", "progressDetail": {}, "id": "a"},
            {"status": "Pull complete", "progressDetail": {}, "id": "b"},
        ]
    )
    assert [
        (event.name, event.completed is not None)
        for event in events
        if isinstance(event, VertexStatus)
    ] == [
        ("downloading layer a", False),
        ("downloading layer a", True),
        ("extracting layer a", False),
        ("extracting layer a", True),
        ("extracting layer b", True),
    ]


def test_a_step_fails_with_the_error_of_its_messages() -> None:
    events: list[Event] = []

    def broken() -> Iterator[dict[str, Any]]:
        yield {"status": "Pushing", "id": "a"}
        raise TransportError("it broke")

    step = Step("push app", lambda response: events.extend(from_response(response)))
    with pytest.raises(TransportError, match="it broke"):
        step.follow(broken())
    last = events[-1]
    assert isinstance(last, Vertex)
    assert last.error == "it broke"
