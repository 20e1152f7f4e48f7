"""Merged, rebased and passed-through trees, state mounts, and chained functions."""

from __future__ import annotations

import pytest

from llb import (
    Definition,
    Image,
    Scratch,
    State,
    bind,
    cache,
    diff,
    from_definition,
    merge,
    passthrough,
    rebase,
    secret,
    tmpfs,
)
from llb.errors import InvalidValueError


def marshalled(state: State) -> Definition:
    return state.marshal(platform="linux/amd64", source_map=False)


def env_of(state: State) -> list[str]:
    env = marshalled(state).vertices()[-2].op["meta"].get("env", ())
    return list(env)


def test_rebase_merges_the_changes_onto_the_other_tree() -> None:
    old = Image("alpine:3.20", inherit_config=False)
    new = Image("alpine:3.21").env("A", "new")
    app = old.run("make").env("A", "app")
    moved = rebase(app, onto=new, base=old)
    assert marshalled(moved) == marshalled(merge([new, diff(old, app)]))
    assert moved.variables == (("A", "app"),)


def test_passed_through_trees_keep_their_own_settings() -> None:
    first = Image("alpine", inherit_config=False).env("A", "1")
    second = Image("busybox").workdir("/b")
    alpine, empty, busybox = passthrough(
        "both", [first, Scratch(), second], requires=[Image("debian")]
    )
    assert alpine.variables == (("A", "1"),)
    assert busybox.cwd == "/b"
    assert empty.output is None
    assert alpine.output is not None
    assert busybox.output is not None
    assert (alpine.output.op, alpine.output.index, busybox.output.index) == (
        busybox.output.op,
        0,
        1,
    )


def test_pipe_calls_a_function_in_a_chain() -> None:
    def with_user(state: State, name: str, *, shell: str = "/bin/sh") -> State:
        return state.run(f"adduser -s {shell} {name}").user(name)

    piped = Image("alpine").pipe(with_user, "app", shell="/bin/ash")
    assert marshalled(piped) == marshalled(with_user(Image("alpine"), "app", shell="/bin/ash"))


def test_a_mount_of_the_state_applies_to_all_later_runs() -> None:
    kept = Image("alpine").mount(cache("/c"), tmpfs("/t"))
    assert marshalled(kept.run("a").run("b")) == marshalled(
        Image("alpine")
        .run("a", mounts=[cache("/c"), tmpfs("/t")])
        .run("b", mounts=[cache("/c"), tmpfs("/t")])
    )
    assert marshalled(kept.unmount("/c").run("a")) == marshalled(
        Image("alpine").run("a", mounts=[tmpfs("/t")])
    )


def test_a_run_replaces_a_mount_of_the_state_at_the_same_target() -> None:
    kept = Image("alpine").mount(cache("/c", id="one"))
    assert marshalled(kept.run("a", mounts=[cache("/c", id="two")])) == marshalled(
        Image("alpine").run("a", mounts=[cache("/c", id="two")])
    )


def test_the_next_run_sees_what_the_previous_run_wrote_to_a_mount() -> None:
    first = Image("alpine").mount(bind(Scratch(), "/out")).run("a")
    by_hand = Image("alpine").run("a", mounts=[bind(Scratch(), "/out")])
    second = by_hand.run("b", mounts=[bind(by_hand.mounted("/out"), "/out")])
    assert marshalled(first.run("b").mounted("/out")) == marshalled(second.mounted("/out"))


def test_a_secret_invalidates_the_cache_when_its_key_changes() -> None:
    def run(key: str | None) -> State:
        return Image("alpine").run("a", mounts=[secret("npm-token", cache_key=key)])

    assert env_of(run(None)) == []
    assert env_of(run("1")) == ["LLB_SECRET_KEY_NPM_TOKEN=deda86d9c3e70938"]
    assert env_of(run("1")) != env_of(run("2"))


def test_requires_without_other_states_changes_nothing() -> None:
    state = Image("alpine")
    assert state.requires("nothing") is state


def test_a_definition_survives_a_round_trip_through_a_state() -> None:
    state = merge([Image("alpine").run("a", name="A", ignore_cache=True), Scratch().mkdir("/x")])
    definition = state.marshal(platform="linux/arm64")
    assert from_definition(definition).marshal(platform="linux/amd64") == definition
    assert from_definition(Scratch().marshal()).output is None


def test_steps_can_be_added_to_a_loaded_definition() -> None:
    base = Image("alpine", platform="linux/arm64")
    loaded = from_definition(base.marshal(source_map=False))
    assert marshalled(loaded.run("a")) == marshalled(base.run("a"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: merge([Image("a", platform="linux/amd64"), Image("b", platform="linux/arm64")]),
            "cannot combine a tree for linux/amd64 with one for linux/arm64",
        ),
        (
            lambda: diff(Image("a", platform="linux/amd64"), Image("b", platform="linux/arm64")),
            "cannot combine a tree for linux/amd64 with one for linux/arm64",
        ),
        (
            lambda: passthrough("x", [Scratch()]),
            "passthrough() needs at least one tree that is not empty",
        ),
        (
            lambda: passthrough("", [Image("a")]),
            "invalid passthrough id '': expected a name",
        ),
        (
            lambda: Scratch().requires("x", Image("a")),
            "the empty tree cannot require others: it is not built",
        ),
        (lambda: Scratch().build(), "the empty tree holds no definition to build"),
        (lambda: Image("a").unmount("/x"), "no mount at '/x'"),
        (
            lambda: Image("a").run("b", mounts=[tmpfs("/t")]).mounted("/t"),
            "the mount at '/t' has no result: it is a tmpfs",
        ),
        (
            lambda: (
                Image("a").run("b", mounts=[bind(Image("c"), "/c", readonly=True)]).mounted("/c")
            ),
            "the mount at '/c' has no result: it is read-only",
        ),
        (lambda: Image("a").extra_host("h", "1.2.3"), "invalid IP address '1.2.3'"),
        (
            lambda: Image("a").ulimit("nofile", 5, 4),
            "invalid ulimit nofile 5:4: expected 0 <= soft <= hard, or -1 for none",
        ),
    ],
)
def test_invalid_combinations_are_refused_at_the_call(make: object, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.message == message


def test_an_unknown_option_is_refused_with_a_suggestion() -> None:
    with pytest.raises(TypeError) as caught:
        Image("a").run("b", nmae="c")  # type: ignore[call-arg]
    assert str(caught.value) == "got an unexpected keyword argument 'nmae'; did you mean name?"
    with pytest.raises(TypeError, match="did you mean exclude"):
        Image("a").copy(Image("b"), "/", exclued=["c"])  # type: ignore[call-arg]
