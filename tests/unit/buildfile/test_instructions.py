"""Dockerfile instructions as functions: their operations and image config."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llb import Git, Image, Local, Scratch, State
from llb.buildfile import instructions
from llb.buildfile.bases import from_image, with_config
from llb.errors import InvalidValueError
from llb.ops import nodes as ops
from llb.platforms import Platform

AMD64 = Platform("linux", "amd64")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def config(state: State) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(state.image_config(platform=AMD64))["config"]
    return decoded


def actions(state: State) -> tuple[Any, ...]:
    """Get the file actions of the last operation."""
    assert state.output is not None
    assert isinstance(state.output.op, ops.FileOp)
    return state.output.op.actions


def user_and_group(owner: ops.Owner) -> tuple[Any, ...]:
    """Get user and group, each by name or number."""
    return tuple(account and (account.name or account.id) for account in (owner.user, owner.group))


def test_build_args_reach_processes_and_not_the_image() -> None:
    state = instructions.scratch().env("A", "image").pipe(instructions.args, A="1", B=None, C="")
    assert state.variables == (("PATH", PATH[5:]), ("A", "1"), ("C", ""))
    assert config(state)["Env"] == [PATH, "A=image"]
    assert config(state.env("C", "x"))["Env"] == [PATH, "A=image", "C=x"]


def test_a_stage_from_another_sets_the_variables_of_its_image_last() -> None:
    below = (
        instructions.scratch().env("A", "1").pipe(instructions.args, A="2", B="3").env("PATH", "/p")
    )
    assert below.variables == (("A", "2"), ("B", "3"), ("PATH", "/p"))
    stage = instructions.from_stage(below.cmd(["c"]).onbuild("RUN x"))
    assert stage.variables == (("B", "3"), ("PATH", "/p"), ("A", "1"))
    assert config(stage) == {"Env": ["PATH=/p", "A=1"], "Cmd": ["c"], "WorkingDir": "/"}
    assert "Cmd" not in config(stage.entrypoint(["e"]))


def test_a_base_image_has_its_user_and_a_path() -> None:
    image = Image("a").with_image_config('{"config": {"User": "me", "OnBuild": ["RUN x"]}}')
    base = from_image(image, AMD64)
    assert base.settings.process.user == "me"
    assert config(base) == {"User": "me", "Env": [PATH], "WorkingDir": "/"}
    windows = from_image(image, Platform("windows", "amd64"))
    assert windows.variables == ()


def test_a_tree_keeps_the_variables_of_processes_that_its_image_does_not_have() -> None:
    state = with_config(Scratch().env("ARG", "1").env("A", "2"), b'{"config": {"Env": ["A=2"]}}')
    assert state.variables == (("ARG", "1"), ("A", "2"))
    assert config(state)["Env"] == ["A=2"]


def test_workdir_creates_a_directory_of_the_user() -> None:
    state = (
        instructions.scratch()
        .user("me:7")
        .pipe(instructions.workdir, "/a/")
        .pipe(instructions.workdir, "b")
    )
    (action,) = actions(state)
    assert (action.path, action.make_parents, user_and_group(action.owner)) == (
        "/a/b",
        True,
        ("me", 7),
    )
    assert instructions.scratch().pipe(instructions.workdir, "/").output is None


def test_several_paths_are_copied_in_one_step() -> None:
    state = instructions.scratch().pipe(
        instructions.copy, Local("c"), ["a", "../b*"], ".", exclude=["*.o"]
    )
    assert [(action.src, action.dest) for action in actions(state)] == [("/a", "/"), ("/b*", "/")]
    for action in actions(state):
        assert action.exclude_patterns == ("*.o",)
        assert action.follow_symlinks
        assert action.copy_dir_contents_only
        assert action.create_dest_path
        assert action.allow_wildcard
        assert action.allow_empty_wildcard
        assert not action.attempt_unpack


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/./b/c", ("/a", ("b/c",), ("/a/b/c",))),
        ("/a/b", ("/", ("a/b",), ("/a/b",))),
        ("a/*.c", ("/", ("a/*.c",), ())),
    ],
)
def test_parents_copies_the_parent_directories(path: str, expected: Any) -> None:
    state = instructions.scratch().pipe(instructions.copy, Local("c"), path, "/", parents=True)
    (action,) = actions(state)
    assert (action.src, action.include_patterns, action.required_paths) == expected


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o755, 0o755), ("644", 0o644), ("u+x", "u+x"), ("", None)]
)
def test_a_mode_is_an_integer_or_a_string(mode: int | str, expected: int | str | None) -> None:
    (action,) = actions(
        instructions.scratch().pipe(instructions.copy, Local("c"), "a", "/", mode=mode)
    )
    assert action.mode == expected


def test_an_invalid_mode_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="invalid mode '9'"):
        instructions.scratch().pipe(instructions.copy, Local("c"), "a", "/", mode="9")


def test_link_merges_a_separate_layer_unless_there_is_a_mode() -> None:
    def last(**flags: Any) -> object:
        state = instructions.scratch().pipe(instructions.workdir, "/w")
        copied = state.pipe(instructions.copy, Local("c"), "a", "b", link=True, **flags)
        assert copied.output is not None
        return type(copied.output.op)

    assert last() is ops.MergeOp
    assert last(mode="") is ops.MergeOp
    assert last(mode=0o755) is ops.FileOp


@pytest.mark.parametrize("owner", ["me", "1000:staff"])
def test_a_separate_layer_has_no_owner_with_a_name(owner: str) -> None:
    with pytest.raises(InvalidValueError, match=f"invalid owner '{owner}' with link"):
        instructions.scratch().pipe(instructions.copy, Local("c"), "a", "/", owner=owner, link=True)


def test_strings_are_written_to_files() -> None:
    state = instructions.scratch().pipe(
        instructions.write, {"a": "1", "b": "2"}, "/etc/", owner=":5"
    )
    written = [(action.src, action.dest, user_and_group(action.owner)) for action in actions(state)]
    assert written == [("/a", "/etc/", (0, 5)), ("/b", "/etc/", (0, 5))]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/b%20c.tgz?x=1#y", "b c.tgz"),
        ("https://h/a/", "a"),
        ("https://h", "__unnamed__"),
    ],
)
def test_a_downloaded_file_is_named_by_the_end_of_its_url(url: str, name: str) -> None:
    state = instructions.scratch().pipe(instructions.fetch, url, "/d/", unpack=True)
    (action,) = actions(state)
    assert (action.src, action.attempt_unpack) == (f"/{name}", True)
    assert action.source.op.attrs == (("http.filename", name),)


def test_a_repository_is_copied_as_a_whole() -> None:
    state = instructions.scratch().pipe(
        instructions.clone, Git("https://h/a.git", ref="v1"), "/src"
    )
    (action,) = actions(state)
    assert (action.src, action.dest, action.follow_symlinks) == ("/", "/src", False)


@pytest.mark.parametrize(
    ("ports", "exposed"),
    [
        ("", []),
        ("80 127.0.0.1:8080:81/TCP", ["80/tcp", "81/tcp"]),
        ("90-92/udp", ["90/udp", "91/udp", "92/udp"]),
    ],
)
def test_ports_are_parsed_from_a_string(ports: str, exposed: list[str]) -> None:
    state = instructions.scratch().pipe(instructions.expose, ports)
    assert list(config(state).get("ExposedPorts", {})) == exposed


@pytest.mark.parametrize("ports", ["a-b", "x", "70000"])
def test_invalid_ports_are_refused(ports: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid port"):
        instructions.scratch().pipe(instructions.expose, ports)


def test_caches_have_the_ids_of_a_dockerfile() -> None:
    assert instructions.cache("/root/.cache").id == "//root/.cache"
    assert instructions.cache("/c", id="mine").id == "/mine"
    owned = instructions.cache("/c", uid=5)
    assert (owned.selector, owned.source is not None) == ("/cache", True)


def test_an_agent_may_be_missing() -> None:
    assert (instructions.ssh().id, instructions.ssh().optional) == ("", True)
    assert instructions.ssh("own", required=True).optional is False
