"""States are immutable values, and invalid arguments are refused at the call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb import (
    HTTP,
    Git,
    Image,
    ImageBlob,
    LinuxResources,
    Local,
    OCILayout,
    Scratch,
    State,
    bind,
    cache,
    mkdir,
    secret,
    tmpfs,
)
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_methods_do_not_change_the_state_they_are_called_on() -> None:
    base = Image("alpine", inherit_config=False)
    before = base.marshal(source_map=False)
    base.env("A", "1").workdir("/x").user("app").run("true").mkdir("/a")
    assert base.marshal(source_map=False) == before
    assert base.variables == ()


def test_variables_are_in_the_order_of_their_last_assignment() -> None:
    state = Scratch().env("A", "1").env("B", "2").env("C", "3").env("A", "4").env("B", None)
    assert state.variables == (("C", "3"), ("A", "4"))


def test_a_chain_may_be_of_any_length() -> None:
    state = Image("alpine")
    for number in range(20_000):
        state = state.run(["echo", str(number)])
    assert len(state.marshal().ops) == 20_002


def test_a_shared_step_is_written_once_in_a_diamond_of_any_depth() -> None:
    state = Image("alpine")
    for _ in range(200):
        state = state.copy(state, "/left").copy(state, "/right")
    assert len(state.marshal().ops) == 402


def test_marshalling_again_gives_the_same_bytes() -> None:
    state = Image("alpine").run("make", mounts=[cache("/c"), secret("s")]).copy(Local("x"), "/x")
    assert state.marshal().to_bytes() == state.marshal().to_bytes()


def test_a_step_records_the_python_line_that_created_it() -> None:
    definition = Image("alpine").run("true").marshal()
    (location,) = definition.vertices()[1].locations
    assert location.file.filename == "tests/unit/state/test_state.py"
    line = location.file.data.decode().splitlines()[location.ranges[0].line - 1]
    assert line == '    definition = Image("alpine").run("true").marshal()'


def test_digests_do_not_depend_on_source_lines() -> None:
    first = Image("alpine").run("true").marshal()
    second = Image("alpine").run("true").marshal()
    assert first.ops == second.ops
    assert first.locations != second.locations


def test_what_a_run_wrote_to_a_mount_is_a_state() -> None:
    run = Image("alpine").run("make", mounts=[bind(Scratch(), "/out")])
    assert run.mounted("/out").marshal(source_map=False).vertices()[-1].inputs == (
        (run.marshal().vertices()[1].digest, 1),
    )


def test_the_image_config_contains_the_settings_of_the_state() -> None:
    state = (
        Image("alpine")
        .env("A", "1")
        .workdir("/app")
        .user("app")
        .entrypoint(["/bin/app"])
        .cmd(["--help"])
        .label("k", "v")
        .expose(80)
        .expose("53/udp")
    )
    assert json.loads(state.image_config(platform="linux/arm64")) == {
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "User": "app",
            "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
            "Env": ["A=1"],
            "Entrypoint": ["/bin/app"],
            "Cmd": ["--help"],
            "WorkingDir": "/app",
            "Labels": {"k": "v"},
        },
        "rootfs": {"type": "layers", "diff_ids": []},
    }


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "reference": (
        lambda: Image("Alpine"),
        "invalid reference 'Alpine': the repository name must be lower case",
    ),
    "empty reference": (lambda: Image(""), "invalid reference '': it is empty"),
    "digest": (
        lambda: Image("alpine", checksum="sha256:12"),
        "invalid digest 'sha256:12': expected sha256: and 64 lower-case hexadecimal digits",
    ),
    "platform": (
        lambda: Image("alpine", platform="linux"),
        "invalid platform 'linux': expected os/arch or os/arch/variant",
    ),
    "resolve mode": (
        lambda: Image("alpine", resolve_mode="pul"),  # type: ignore[arg-type]
        "invalid resolve_mode 'pul': expected default, pull, local",
    ),
    "command": (lambda: Scratch().run(" "), "invalid command '': expected a shell command"),
    "arguments": (
        lambda: Scratch().run([]),
        "invalid arguments []: expected a sequence of strings, the program first",
    ),
    "variable": (
        lambda: Scratch().env("A=B", "1"),
        "invalid environment variable 'A=B': expected a name without '=' or NUL",
    ),
    "directory": (
        lambda: Scratch().workdir(""),
        "invalid working directory '': expected a path",
    ),
    "mount target": (
        lambda: tmpfs("tmp"),
        "invalid mount target 'tmp': expected an absolute path",
    ),
    "root as mount target": (
        lambda: bind(Scratch(), "/x/.."),
        "invalid mount target '/': the root is the tree that the command runs in",
    ),
    "tmpfs size": (
        lambda: tmpfs("/tmp", size=-1),
        "invalid tmpfs size -1: expected 0 or more",
    ),
    "cache sharing": (
        lambda: cache("/c", sharing="lock"),  # type: ignore[arg-type]
        "invalid sharing 'lock': expected shared, private, locked",
    ),
    "network": (
        lambda: Scratch().network("hots"),  # type: ignore[arg-type]
        "invalid network 'hots': expected sandbox, host, none",
    ),
    "security": (
        lambda: Image("a").run("b", security="root"),  # type: ignore[arg-type]
        "invalid security 'root': expected sandbox, insecure",
    ),
    "exit code": (
        lambda: Image("a").run("b", valid_exit_codes=[256]),
        "invalid exit code 256: expected 0 to 255",
    ),
    "user number": (lambda: secret("s", uid=-1), "invalid uid -1: expected 0 to 4294967295"),
    "limit": (
        lambda: LinuxResources(memory=-1),
        "invalid memory -1: expected 0 or more",
    ),
    "symbolic mode": (
        lambda: Scratch().copy(Image("a"), "/", mode="rwx"),
        "invalid mode 'rwx': expected a number or a symbolic mode",
    ),
    "path to copy": (
        lambda: Scratch().copy(Image("a"), "/", src="a\0"),
        "invalid src 'a\\x00': expected a string without NUL",
    ),
    "half a surrogate pair": (
        lambda: Scratch().mkfile("/a\ud800", ""),
        "invalid path '/a\\ud800': expected a string that UTF-8 can encode",
    ),
    "byte that is not UTF-8": (
        lambda: Scratch().mkfile("/a\udc80", "").marshal(),
        "invalid string '/a\\udc80': it contains half of a surrogate pair",
    ),
    "PATH that refers to itself": (
        lambda: Image("a").env("PATH", "/x:$PATH"),
        "invalid PATH '/x:$PATH': variables are not expanded",
    ),
    "PATH of one run": (
        lambda: Image("a").run("x", env={"PATH": "${PATH}:/x"}),
        "invalid PATH '${PATH}:/x': variables are not expanded",
    ),
    "mode": (lambda: mkdir("/a", mode=0o10000), "invalid mode 4096: expected 0 to 0o7777"),
    "owner": (
        lambda: mkdir("/a", owner=":x"),
        "invalid owner ':x': expected user or user:group",
    ),
    "port": (
        lambda: Scratch().expose(70000),
        "invalid port 70000: expected 1 to 65535, optionally with /tcp, /udp or /sctp",
    ),
    "mount of no run": (
        lambda: Scratch().mounted("/a"),
        "no mount at '/a': nothing was run yet",
    ),
    "no file action": (lambda: Scratch().file(), "file() needs at least one action"),
    "url": (
        lambda: HTTP("ftp://x/y"),
        "invalid URL 'ftp://x/y': expected http:// or https:// and a host",
    ),
    "repository": (
        lambda: Git("ftp://x/y"),
        "invalid repository 'ftp://x/y': expected http, https, ssh, git or user@host:path",
    ),
    "repository with a fragment": (
        lambda: Git("https://x/y#main"),
        "invalid repository 'https://x/y#main': it has a fragment or a query",
    ),
    "repository without a path": (
        lambda: Git("example.org"),
        "invalid repository 'https://example.org': expected a host and a path",
    ),
    "mtime": (
        lambda: Git("https://x/y", mtime="now"),  # type: ignore[arg-type]
        "invalid mtime 'now': expected checkout, commit",
    ),
    "blob without digest": (
        lambda: ImageBlob("alpine:3"),
        "invalid blob reference 'alpine:3': expected a digest and no tag",
    ),
    "layout without digest": (
        lambda: OCILayout("alpine:3"),
        "invalid OCI layout reference 'alpine:3': it has no digest",
    ),
    "local name": (
        lambda: Local(""),
        "invalid local name '': expected a name, for example context",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_refused_at_the_call(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(InvalidValueError) as caught:
        call()
    assert caught.value.message == message


def test_near_words_are_suggested() -> None:
    with pytest.raises(InvalidValueError) as caught:
        cache("/c", sharing="lock")  # type: ignore[arg-type]
    assert caught.value.hint == "did you mean locked?"


def test_repr_is_shallow() -> None:
    state: State = Image("alpine").run("true")
    assert repr(state) == "<State after ExecOp>"
    assert repr(state.output) == "Output(ExecOp, 0)"


def test_other_variables_may_contain_a_dollar_sign() -> None:
    state = Scratch().env("PS1", "$PATH").env("PATH", "/x")
    assert state.variables == (("PS1", "$PATH"), ("PATH", "/x"))


def test_one_string_is_one_pattern() -> None:
    alone = Local("a", include="*.py", exclude=".env", follow_paths="b", metadata_only="c")
    listed = Local("a", include=["*.py"], exclude=[".env"], follow_paths=["b"], metadata_only=["c"])
    assert alone.marshal().head == listed.marshal().head
    copies = [
        Scratch().copy(alone, "/", include=patterns, exclude=patterns, required=patterns).marshal()
        for patterns in ("*.txt", ["*.txt"])
    ]
    assert copies[0].head == copies[1].head
