"""How long a build waits for events after the daemon's response."""

from __future__ import annotations

import json
import threading
from time import monotonic
from typing import Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage

from llb.client.builds.build_run import BuildRun
from llb.client.connect.errors import names_step
from llb.client.export.receivers import Receivers
from llb.errors import CancelledError, RemoteError


def unstarted_build() -> BuildRun:
    nothing = cast("Any", None)
    return BuildRun(nothing, nothing, Receivers(), [], None)


class SlowFollower(threading.Thread):
    """A thread that receives events during each wait, until there are no more."""

    def __init__(self, build: BuildRun, waits: int) -> None:
        super().__init__()
        self.remaining = waits
        self.build = build

    def is_alive(self) -> bool:
        return self.remaining > 0

    def join(self, timeout: float | None = None) -> None:
        assert timeout is not None
        assert timeout > 0
        self.remaining -= 1
        # Events arrive at the last moment.
        self.build._last_events = monotonic() + timeout


def test_a_build_waits_for_events_as_long_as_they_arrive() -> None:
    build = unstarted_build()
    follower = SlowFollower(build, 20)
    build._await_events(follower, 0.001)
    assert follower.remaining == 0


def test_a_build_does_not_wait_for_a_silent_daemon() -> None:
    silence = threading.Event()
    follower = threading.Thread(target=silence.wait)
    follower.start()
    unstarted_build()._await_events(follower, 0.01)
    assert follower.is_alive()
    silence.set()
    follower.join()


def detail(name: str) -> bytes:
    data = json.dumps({"digest": "sha256:1"}).encode()
    url = f"github.com/moby/buildkit/{name}+json"
    return AnyMessage(type_url=url, value=data).SerializeToString()


def test_an_error_that_names_a_step_is_recognized() -> None:
    assert names_step(RemoteError("exit code: 1", code=2, details=(detail("errdefs.Vertex"),)))
    assert not names_step(RemoteError("no", code=2, details=(detail("errdefs.Source"),)))
    assert not names_step(CancelledError("the build was cancelled"))
