"""Events of several builds in one display."""

from __future__ import annotations

from llb.bake.building.display import SharedDisplay
from llb.client.progress.events import Event, Vertex, VertexLog

STEP = Vertex("sha256:1", "[1/2] RUN make", ("sha256:0",), False, None, None, None)
LOG = VertexLog("sha256:1", 1, b"x", None)


def test_steps_are_named_with_their_target() -> None:
    shown: list[Event] = []
    display = SharedDisplay(shown.append, names=True)
    display.of("app")(STEP)
    display.of("app")(LOG)
    assert shown == [
        Vertex("sha256:1:app", "[app 1/2] RUN make", ("sha256:0:app",), False, None, None, None),
        VertexLog("sha256:1:app", 1, b"x", None),
    ]


def test_the_steps_of_a_single_target_keep_their_names() -> None:
    shown: list[Event] = []
    SharedDisplay(shown.append, names=False).of("app")(STEP)
    assert shown == [STEP]
