"""Mounts of containers of frontends, and the files that a gateway reads in them."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, Local, Scratch, bind, cache, secret, ssh, tmpfs
from llb.errors import (
    InvalidValueError,
    LLBError,
    RemoteError,
)
from llb.gateway import (
    Gateway,
    Ref,
    bind_ref,
    is_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """The socket of an ssh-agent without keys."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # The agent prints its address as soon as it listens.
        assert process.stdout.readline()
        yield path
        process.terminate()


@pytest.mark.feature("K5")
def test_mounts_of_all_kinds(
    run_with_tree: Callable[..., Any], agent: Path, tmp_path: Path
) -> None:
    name = f"containers-{tmp_path.name}-{os.getpid()}"
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "local-file").write_text("of the client")
    sources = Scratch().mkdir("/src").mkfile("/src/a", "in a part").mkfile("/b", "whole")
    reader = Image("busybox").run("cp /cached/kept /seen", mounts=[cache("/cached", id=name)])

    def use(gateway: Gateway, tree: Ref) -> dict[str, object]:
        parts = gateway.solve(sources.marshal())
        files = gateway.solve(Local("context").marshal())
        mounts: list[Any] = [
            bind_ref(parts, "/whole"),
            bind_ref(parts, "/part/", path="/src", readonly=True),
            bind_ref(parts, "/one", path="/b"),
            bind_ref(files, "/local"),
            bind_ref(Ref(""), "/empty"),
            cache("/cached", id=name),
            tmpfs("/memory"),
            secret("token", uid=1, mode=0o440),
            secret("missing", optional=True),
            ssh(),
        ]
        script = (
            "cat /whole/b /part/a /one /local/local-file /run/secrets/token; ls /empty; "
            "stat -c %u:%a /run/secrets/token; echo kept > /cached/kept; "
            "touch /memory/x && grep -c ' /memory tmpfs ' /proc/mounts; test -S $SSH_AUTH_SOCK; "
            "echo changed > /whole/b; touch /part/x 2>&1; test ! -e /run/secrets/missing"
        )
        with gateway.new_container(tree, mounts=mounts) as container:
            out = container.run(script).stdout.decode()
            read = [container.read_file(path) for path in ("/whole/b", "/part/a", "/one")]
            names = [entry.path for entry in container.read_dir("/part/")]
            cached = container.read_file("/cached/kept")
        with gateway.new_container(tree, mounts=mounts) as container:
            second_run = container.run("cat /whole/b /cached/kept").stdout
        content = gateway.read_file(gateway.solve(reader.marshal()), "/seen")
        return {
            "out": out,
            "read": read,
            "listed": names,
            "kept": cached,
            "anew": second_run,
            "seen": content,
        }

    assert run_with_tree(
        use,
        local_dirs={"context": tmp_path / "context"},
        secrets={"token": b"hidden\n"},
        ssh=[f"default={agent}"],
    ) == {
        "out": "wholein a partwholeof the clienthidden\n1:440\n1\n"
        "touch: /part/x: Read-only file system\n",
        "read": [b"changed\n", b"in a part", b"whole"],
        "listed": ["a"],
        "kept": b"kept\n",
        "anew": b"wholekept\n",
        "seen": b"kept\n",
    }


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("mounts", "error", "reason"),
    [
        ([secret("missing")], RemoteError, "secret missing: not found"),
        ([ssh()], RemoteError, "unset ssh forward key default"),
        ([bind_ref(Ref("none"), "/x")], RemoteError, 'failed to find ref none for "/x" mount'),
        ([tmpfs("/x", size=4096)], InvalidValueError, "a tmpfs of a container has no limit"),
        ([tmpfs("/x"), cache("/x/")], InvalidValueError, "a container has two mounts at /x"),
        (
            [bind(Image("busybox").run("true"), "/x")],
            InvalidValueError,
            "the tree mounted at /x is not solved",
        ),
        (
            [secret("token", env="TOKEN")],
            InvalidValueError,
            "invalid secret TOKEN of a container: only processes have variables",
        ),
    ],
)
def test_an_invalid_mount_is_an_error(
    run_with_tree: Callable[..., Any], mounts: list[Any], error: type[LLBError], reason: str
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        gateway.new_container(tree, mounts=mounts)

    with pytest.raises(error, match=reason):
        run_with_tree(use)


@pytest.mark.feature("K5")
@pytest.mark.parametrize("target", ["/", "x", ""])
def test_trees_are_mounted_at_absolute_paths_below_the_root(target: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid mount target"):
        bind_ref(Ref(""), target)


@pytest.mark.feature("K5")
def test_files_of_a_container_are_read(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> dict[str, object]:
        results: dict[str, object] = {}
        with gateway.new_container(tree, mounts=[tmpfs("/memory")]) as container:
            container.run("mkdir /d; echo text > /d/text; chmod 741 /d/text; ln -s text /d/link")
            results["text"] = container.read_file("/d/../d/text")
            status = container.stat_file("/d/link")
            results["stat"] = (status.path, stat.filemode(status.mode), status.size)
            entries = container.read_dir("/d")
            results["names"] = [(entry.path, entry.target) for entry in entries]
            for read in (container.read_file, container.stat_file, container.read_dir):
                with pytest.raises(RemoteError) as caught:
                    read("/none")
                assert is_not_found(caught.value)
            with pytest.raises(InvalidValueError, match="invalid path 'd/text'"):
                container.read_file("d/text")
        return results

    assert run_with_tree(use) == {
        "text": b"text\n",
        "stat": ("link", "-rwxr----x", 5),
        "names": [("link", "text"), ("text", "")],
    }
