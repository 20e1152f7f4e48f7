"""Environments that change from step to step."""

from __future__ import annotations

from llb.ops.env import Env, EnvIndex


def test_an_index_follows_an_environment() -> None:
    index = EnvIndex()
    env = Env().set("A", "1").set("B", "2")
    assert list(index.follow(env).items()) == [("A", "1"), ("B", "2")]
    later = env.set("A", "3").set("B", None).set("C", "4")
    assert list(index.follow(later).items()) == list(later.items()) == [("A", "3"), ("C", "4")]


def test_an_index_changes_to_another_environment() -> None:
    index = EnvIndex()
    index.follow(Env().set("A", "1"))
    assert index.follow(Env()) == {}
    assert index.follow(Env().set_all([(name, "x") for name in "BCDEF"])) == dict.fromkeys(
        "BCDEF", "x"
    )
