"""What the authoring API says is what a real BuildKit does."""

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
from tests.e2e.test_example import image_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture
def client(buildkit_host: str) -> Client:
    """The client of the stack's daemon, which closes with the process."""
    return Client(buildkit_host)


def built(client: Client, state: State, tmp_path: Path, **options: object) -> Path:
    """Return the directory with what a state is."""
    out = tmp_path / "out"
    client.solve(state, exports=[local(out)], **options)  # type: ignore[arg-type]
    return out


def names_of(client: Client, state: State) -> list[str]:
    """Return the steps that a build goes through, by name."""
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    found = dict.fromkeys(each.name for each in events if isinstance(each, Vertex))
    return list(found)


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
        found = {
            member.name: (member.mode & 0o777, member.uid, member.gid, member.linkname)
            for member in archive
        }
        content = archive.extractfile("etc/app.conf")
        assert content is not None
        assert content.read() == b"port = 80\n"
    assert found == {
        "bin": (0o755, 0, 0, ""),
        "bin/app": (0o750, 3, 4, ""),
        "bin/latest": (0o777, 0, 0, "app"),
        "empty": (0o700, 0, 0, ""),
        "etc": (0o755, 0, 0, ""),
        "etc/app.conf": (0o644, 0, 0, ""),
    }


def test_mounts_stay_over_runs_with_what_was_written(client: Client, tmp_path: Path) -> None:
    state = (
        Image("busybox")
        .mount(bind(Scratch(), "/out"), tmpfs("/scratch"))
        .run("echo one > /out/a && echo gone > /scratch/x")
        .run("cat /out/a > /out/b && ls /scratch > /out/c")
    )
    out = built(client, state.mounted("/out"), tmp_path)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "a": "one\n",
        "b": "one\n",
        "c": "",
    }


def test_what_is_required_is_built_and_not_taken(client: Client, tmp_path: Path) -> None:
    check = Image("busybox").run("true", name="the check", ignore_cache=True)
    state = Scratch().mkfile("/a", "1").requires("checks", check)
    assert "the check" in names_of(client, state)
    assert [path.name for path in built(client, state, tmp_path).iterdir()] == ["a"]
    failing = Image("busybox").run("exit 3", name="the check")
    with pytest.raises(Exception, match="exit code: 3"):
        client.solve(Scratch().mkfile("/a", "1").requires("checks", failing))


def test_trees_pass_through_together(client: Client, tmp_path: Path) -> None:
    first, second = passthrough("both", [files({"a": "1"}), files({"b": "2"})])
    out = built(client, Scratch().copy(first, "/").copy(second, "/"), tmp_path)
    assert sorted(path.name for path in out.iterdir()) == ["a", "b"]


@pytest.mark.feature("K1")
def test_a_definition_in_a_file_is_built(client: Client, tmp_path: Path) -> None:
    inner = Image("busybox").run("echo inner > /made")
    holder = Scratch().mkfile("/inner.pb", inner.marshal(source_map=False).to_bytes())
    state = holder.build("inner.pb")
    out = built(client, Scratch().copy(state, "/", src="/made"), tmp_path)
    assert (out / "made").read_text() == "inner\n"


def test_a_definition_that_came_back_is_built_upon(client: Client, tmp_path: Path) -> None:
    taken = from_definition(Image("busybox").run("echo first > /one").marshal())
    state = taken.run("cat /one > /two")
    out = built(client, diff(Image("busybox"), state), tmp_path)
    assert (out / "two").read_text() == "first\n"


def test_changes_move_to_another_base_without_being_built_anew(client: Client) -> None:
    old = Image("busybox").mkfile("/etc/release", "old")
    app = old.run("cat /etc/release > /built-on", name="the build")
    client.solve(app)
    moved = rebase(app, onto=old.mkfile("/etc/release", "new"), base=old)
    state = moved.run("cat /etc/release /built-on | grep -q newold")
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    builds = [each for each in events if isinstance(each, Vertex) and each.name == "the build"]
    assert builds[-1].cached


def test_files_without_content_are_just_described(client: Client, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "kept.txt").write_text("kept")
    (context / "large.bin").write_text("not sent")
    state = Local("context", metadata_only=["kept.txt"])
    out = built(client, state, tmp_path, local_dirs={"context": context})
    assert (out / "kept.txt").read_text() == "kept"
    assert not (out / "large.bin").exists() or (out / "large.bin").read_text() == ""


def test_the_config_of_the_image_below_reaches_the_image_on_top(
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
    config, _ = image_of(tmp_path / "below.tar")
    on_top = Image(name).with_image_config(json.dumps(config)).mkfile("/x", "1")
    client.solve(on_top.entrypoint(["/bin/cat"]), exports=[oci(tmp_path / "top.tar")])
    top, _ = image_of(tmp_path / "top.tar")
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
    done = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, "build"],
        input=definition,
        capture_output=True,
        check=False,
    )
    lines = [line.strip() for line in done.stderr.decode().splitlines()]
    assert done.returncode == 1
    assert '4 | >>>     return state.run(f"make {target}")' in lines
    assert '7 | >>> main(compiled(base, "all"))' in lines


def steps(count: int) -> Sequence[str]:
    return [f"step {number}" for number in range(count)]


def test_conditional_steps_are_plain_python(client: Client) -> None:
    state = Image("busybox").mount(cache("/c"))
    for name in steps(3):
        if name != "step 1":
            state = state.run("true", name=name, ignore_cache=True)
    found = {name for name in names_of(client, state) if name.startswith("step")}
    assert found == {"step 0", "step 2"}
