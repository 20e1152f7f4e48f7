"""The authoring API on a real BuildKit."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import textwrap
from typing import TYPE_CHECKING

import pytest

from llb import (
    Directory,
    File,
    Image,
    Local,
    Scratch,
    State,
    Symlink,
    bind,
    cache,
    diff,
    files,
    from_definition,
    passthrough,
    rebase,
    tmpfs,
)
from llb.client import Client, Event, Vertex, image, local, oci, tar
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture
def client(buildkit_host: str) -> Client:
    """A client of the stack's daemon; its connection closes with the process."""
    return Client(buildkit_host)


def export_files(client: Client, state: State, tmp_path: Path, **options: object) -> Path:
    """Build a state; return the directory with its files."""
    out = tmp_path / "out"
    client.solve(state, exports=[local(out)], **options)  # type: ignore[arg-type]
    return out


def step_names(client: Client, state: State) -> list[str]:
    """Build a state; return the names of its steps."""
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    names = dict.fromkeys(event.name for event in events if isinstance(event, Vertex))
    return list(names)


@pytest.mark.feature("N6")
def test_a_tree_in_memory_arrives_with_modes_and_owners(client: Client, tmp_path: Path) -> None:
    tree = files(
        {
            "etc/app.conf": "port = 80\n",
            "bin/app": File(b"\x00\xff", mode=0o750, owner="3:4"),
            "bin/latest": Symlink("app"),
            "empty": Directory(mode=0o700),
        }
    )
    client.solve(tree, exports=[tar(tmp_path / "out.tar")])
    with tarfile.open(tmp_path / "out.tar") as archive:
        entries = {
            member.name: (member.mode & 0o777, member.uid, member.gid, member.linkname)
            for member in archive
        }
        content = archive.extractfile("etc/app.conf")
        assert content is not None
        assert content.read() == b"port = 80\n"
    assert entries == {
        "bin": (0o755, 0, 0, ""),
        "bin/app": (0o750, 3, 4, ""),
        "bin/latest": (0o777, 0, 0, "app"),
        "empty": (0o700, 0, 0, ""),
        "etc": (0o755, 0, 0, ""),
        "etc/app.conf": (0o644, 0, 0, ""),
    }


def test_a_mount_keeps_its_content_across_runs(client: Client, tmp_path: Path) -> None:
    state = (
        Image("busybox")
        .mount(bind(Scratch(), "/out"), tmpfs("/scratch"))
        .run("echo one > /out/a && echo gone > /scratch/x")
        .run("cat /out/a > /out/b && ls /scratch > /out/c")
    )
    out = export_files(client, state.mounted("/out"), tmp_path)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "a": "one\n",
        "b": "one\n",
        "c": "",
    }


def test_a_required_state_is_built_but_not_copied(client: Client, tmp_path: Path) -> None:
    check = Image("busybox").run("true", name="the check", ignore_cache=True)
    state = Scratch().mkfile("/a", "1").requires("checks", check)
    assert "the check" in step_names(client, state)
    assert [path.name for path in export_files(client, state, tmp_path).iterdir()] == ["a"]
    failing = Image("busybox").run("exit 3", name="the check")
    with pytest.raises(Exception, match="exit code: 3"):
        client.solve(Scratch().mkfile("/a", "1").requires("checks", failing))


def test_passthrough_keeps_both_trees(client: Client, tmp_path: Path) -> None:
    first, second = passthrough("both", [files({"a": "1"}), files({"b": "2"})])
    out = export_files(client, Scratch().copy(first, "/").copy(second, "/"), tmp_path)
    assert sorted(path.name for path in out.iterdir()) == ["a", "b"]


@pytest.mark.feature("K1")
def test_a_definition_in_a_file_is_built(client: Client, tmp_path: Path) -> None:
    inner = Image("busybox").run("echo inner > /made")
    holder = Scratch().mkfile("/inner.pb", inner.marshal(source_map=False).to_bytes())
    state = holder.build("inner.pb")
    out = export_files(client, Scratch().copy(state, "/", src="/made"), tmp_path)
    assert (out / "made").read_text() == "inner\n"


def test_a_state_continues_a_decoded_definition(client: Client, tmp_path: Path) -> None:
    decoded = from_definition(Image("busybox").run("echo first > /one").marshal())
    state = decoded.run("cat /one > /two")
    out = export_files(client, diff(Image("busybox"), state), tmp_path)
    assert (out / "two").read_text() == "first\n"


def test_rebase_moves_changes_to_another_base_without_a_rebuild(client: Client) -> None:
    old = Image("busybox").mkfile("/etc/release", "old")
    app = old.run("cat /etc/release > /built-on", name="the build")
    client.solve(app)
    moved = rebase(app, onto=old.mkfile("/etc/release", "new"), base=old)
    state = moved.run("cat /etc/release /built-on | grep -q newold")
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    builds = [event for event in events if isinstance(event, Vertex) and event.name == "the build"]
    assert builds[-1].cached


def test_metadata_only_files_have_no_content(client: Client, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "kept.txt").write_text("kept")
    (context / "large.bin").write_text("not sent")
    state = Local("context", metadata_only=["kept.txt"])
    out = export_files(client, state, tmp_path, local_dirs={"context": context})
    assert (out / "kept.txt").read_text() == "kept"
    assert not (out / "large.bin").exists() or (out / "large.bin").read_text() == ""


def test_a_base_image_config_reaches_the_derived_image(
    client: Client, registry: str, tmp_path: Path
) -> None:
    below = (
        Image("busybox")
        .env("GREETING", "hello")
        .workdir("/srv")
        .entrypoint(["/bin/sh", "-c"])
        .cmd(["echo $GREETING"])
        .expose(80)
        .volume("/data")
        .stop_signal("SIGINT")
        .healthcheck("true", interval=5)
        .label("k", "v")
        .user("daemon")
    )
    name = f"{registry}/test/below"
    outputs = [oci(tmp_path / "below.tar"), image(name, push=True)]
    client.solve(below.mkdir("/srv"), exports=outputs)
    config, _ = read_image(tmp_path / "below.tar")
    on_top = Image(name).with_image_config(json.dumps(config)).mkfile("/x", "1")
    client.solve(on_top.entrypoint(["/bin/cat"]), exports=[oci(tmp_path / "top.tar")])
    top, _ = read_image(tmp_path / "top.tar")
    expected = {**config["config"], "Entrypoint": ["/bin/cat"]}
    del expected["Cmd"]
    assert top["config"] == expected
    assert len(top["history"]) == len(config["history"]) + 1
    assert len(top["rootfs"]["diff_ids"]) == sum(
        not entry.get("empty_layer") for entry in top["history"]
    )


def test_a_failing_step_shows_its_python_lines_in_the_stock_client(
    buildctl: Buildctl, tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        textwrap.dedent("""\
            from llb import Image, main

            def compiled(state, target):
                return state.run(f"make {target}")

            base = Image("busybox")
            main(compiled(base, "all"))
            """)
    )
    definition = subprocess.run(
        [sys.executable, script], check=True, capture_output=True, cwd=tmp_path
    ).stdout
    process = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, "build"],
        input=definition,
        capture_output=True,
        check=False,
    )
    lines = [line.strip() for line in process.stderr.decode().splitlines()]
    assert process.returncode == 1
    assert '4 | >>>     return state.run(f"make {target}")' in lines
    assert '7 | >>> main(compiled(base, "all"))' in lines


def name_steps(count: int) -> Sequence[str]:
    return [f"step {number}" for number in range(count)]


def test_conditional_steps_are_plain_python(client: Client) -> None:
    state = Image("busybox").mount(cache("/c"))
    for name in name_steps(3):
        if name != "step 1":
            state = state.run("true", name=name, ignore_cache=True)
    names = {name for name in step_names(client, state) if name.startswith("step")}
    assert names == {"step 0", "step 2"}
