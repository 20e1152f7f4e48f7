"""Listeners of events, combined and shared."""

from __future__ import annotations

from llb.client.progress.events import Event, Vertex, VertexLog
from llb.client.progress.listeners import SharedDisplay, SharedReports, both

STEP = Vertex("sha256:1", "[1/2] RUN make", ("sha256:0",), False, None, None, None)
LOG = VertexLog("sha256:1", 1, b"x", None)


def test_steps_are_named_with_their_build() -> None:
    shown: list[Event] = []
    display = SharedDisplay(shown.append, names=True)
    display.of("app")(STEP)
    display.of("app")(LOG)
    assert shown == [
        Vertex("sha256:1:app", "[app 1/2] RUN make", ("sha256:0:app",), False, None, None, None),
        VertexLog("sha256:1:app", 1, b"x", None),
    ]


def test_the_steps_of_a_single_build_keep_their_names() -> None:
    shown: list[Event] = []
    SharedDisplay(shown.append, names=False).of("app")(STEP)
    assert shown == [STEP]


def test_two_listeners_are_called_in_their_order() -> None:
    shown: list[tuple[str, Event]] = []
    first, second = (lambda event, name=name: shown.append((name, event)) for name in "ab")
    combined = both(first, second)
    assert combined is not None
    combined(STEP)
    assert shown == [("a", STEP), ("b", STEP)]
    assert both(first, None) is first
    assert both(None, second) is second
    assert both(None, None) is None


def test_reports_name_the_steps_with_their_build() -> None:
    shown: list[object] = []
    show = SharedReports(shown.append).of("app")
    show({"vertexes": [{"digest": "sha256:a", "name": "[1/2] RUN make"}], "logs": []})
    show({"statuses": []})
    assert shown == [
        {"vertexes": [{"digest": "sha256:a", "name": "[app 1/2] RUN make"}], "logs": []},
        {"statuses": []},
    ]
