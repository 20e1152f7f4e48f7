from __future__ import annotations

import threading

import pytest

from llb.errors import TransportError
from llb.grpc import Channel, Server, memory_pair
from llb.grpc.keepalive import Keepalive
from tests.timing import SECONDS


def test_a_silent_peer_is_asked_and_then_gone() -> None:
    keepalive = Keepalive(10.0, 100.0)
    assert (keepalive.due, keepalive.step(109.0)) == (110.0, False)
    assert keepalive.step(110.0)
    assert (keepalive.due, keepalive.step(119.0)) == (120.0, False)
    with pytest.raises(TransportError, match="it has not answered for 21 seconds"):
        keepalive.step(121.0)


def test_a_peer_that_answers_is_asked_again_after_a_pause() -> None:
    keepalive = Keepalive(60.0, 0.0)
    assert keepalive.step(60.0)
    # The answer is waited for twenty seconds.
    assert keepalive.due == 80.0
    keepalive.hear(61.0)
    assert keepalive.due == 60.0 + 360.0
    keepalive.hear(419.0)
    assert keepalive.due == 479.0


def test_a_call_to_a_peer_that_answers_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = memory_pair()
    asked = threading.Semaphore(0)
    step = Keepalive.step

    def count(self: Keepalive, now: float) -> bool:
        is_asked = step(self, now)
        if is_asked:
            asked.release()
        return is_asked

    def handler(call: object) -> None:
        for _ in range(3):
            assert asked.acquire(timeout=SECONDS)

    monkeypatch.setattr(Keepalive, "step", count)
    monkeypatch.setattr("llb.grpc.keepalive._PAUSE_SECONDS", 0.0)
    serving = threading.Thread(target=Server(there, {"/s/m": handler}).serve)
    serving.start()
    # The peer answers a question before its time has passed, however busy the machine is: the time
    # to answer is that of the silence.
    channel = Channel(here, keepalive=1.0)
    assert list(iter(channel.stream("/s/m").receive, None)) == []
    channel.close()
    serving.join()


def test_a_call_to_a_peer_that_does_not_answer_fails() -> None:
    here, _ = memory_pair()
    channel = Channel(here, keepalive=0.05)
    with pytest.raises(TransportError, match="it has not answered for"):
        channel.call("/s/m", b"")
    channel.close()
