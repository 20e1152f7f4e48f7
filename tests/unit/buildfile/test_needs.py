"""The secrets and ssh agents that the steps of a tree need from the client."""

from __future__ import annotations

from llb import Image, Scratch, State, secret, ssh
from llb.buildfile.needs import Need, secrets_of, ssh_of


def names(needs: tuple[Need, ...]) -> list[tuple[str, bool]]:
    return [(need.name, need.is_required) for need in needs]


def test_secrets_of_all_steps_are_listed_once() -> None:
    base = Image("alpine").run("one", mounts=[secret("a"), secret("b", optional=True)])
    tree = base.copy(base.run("two", mounts=[secret("c")]), "/x").run("three", mounts=[secret("a")])
    assert names(secrets_of([tree])) == [("a", True), ("b", False), ("c", True)]
    assert ssh_of([tree]) == ()


def test_a_secret_that_one_step_requires_is_required() -> None:
    tree = Image("alpine").run("one", mounts=[secret("a", optional=True), ssh(optional=True)])
    more = tree.run("two", mounts=[secret("a"), ssh()]).run(
        "3", mounts=[secret("a", optional=True)]
    )
    assert names(secrets_of([tree])) == [("a", False)]
    assert names(secrets_of([more])) == [("a", True)]
    assert names(ssh_of([more])) == [("default", True)]


def test_a_need_has_the_call_site_of_the_first_step_with_it() -> None:
    tree = Image("alpine").run("one", mounts=[ssh("deploy")])
    line = test_a_need_has_the_call_site_of_the_first_step_with_it.__code__.co_firstlineno + 1
    (need,) = ssh_of([tree.run("two", mounts=[ssh("deploy")])])
    assert need.call_site[0] == (__file__, line)


def test_trees_without_processes_need_nothing() -> None:
    trees = [State(), Scratch().mkfile("/a", "1"), Image("alpine")]
    assert (secrets_of(trees), ssh_of(trees), secrets_of([])) == ((), (), ())
