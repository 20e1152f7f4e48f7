"""How long a build waits for events after the daemon has answered."""

from __future__ import annotations

import json
import threading
from time import monotonic
from typing import Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage

from llb.client.connect.errors import is_of_step
from llb.client.export.receivers import Receivers
from llb.client.solve import Solving
from llb.errors import CancelledError, RemoteError


def solving() -> Solving:
    nothing = cast("Any", None)
    return Solving(nothing, nothing, Receivers(), [], None)


class Following(threading.Thread):
    """A thread that receives events during each wait, until there are no more."""

    def __init__(self, build: Solving, answers: int) -> None:
        super().__init__()
        self.left = answers
        self.build = build

    def is_alive(self) -> bool:
        return self.left > 0

    def join(self, timeout: float | None = None) -> None:
        assert timeout is not None
        assert timeout > 0
        self.left -= 1
        # At the last moment.
        self.build._last_events = monotonic() + timeout


def test_a_build_waits_for_events_as_long_as_they_arrive() -> None:
    build = solving()
    following = Following(build, 20)
    build._await_events(following, 0.001)
    assert following.left == 0


def test_a_build_does_not_wait_for_a_silent_daemon() -> None:
    silence = threading.Event()
    following = threading.Thread(target=silence.wait)
    following.start()
    solving()._await_events(following, 0.01)
    assert following.is_alive()
    silence.set()
    following.join()


def detail(name: str) -> bytes:
    data = json.dumps({"digest": "sha256:1"}).encode()
    url = f"github.com/moby/buildkit/{name}+json"
    return AnyMessage(type_url=url, value=data).SerializeToString()


def test_an_error_of_a_step_is_recognized() -> None:
    assert is_of_step(RemoteError("exit code: 1", code=2, details=(detail("errdefs.Vertex"),)))
    assert not is_of_step(RemoteError("no", code=2, details=(detail("errdefs.Source"),)))
    assert not is_of_step(CancelledError("the build was cancelled"))
