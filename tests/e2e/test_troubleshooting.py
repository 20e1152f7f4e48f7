"""The messages of daemons in docs/troubleshooting.md are those that builds print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
NO_MAIN = "from llb import Image\nstate = Image('busybox')\n"
PRINT = "from llb import Image, main\nprint('hello')\nmain(Image('busybox'))\n"
LOCAL = 'from llb import Image, Local, main\nmain(Image("busybox").copy(Local("src"), "/"))\n'
TREE = 'from llb import Image, main\nmain(Image("busybox").copy(".", "/"))\n'
TARGET = """\
import time
from llb import State
from llb.buildfile import Build, target

@target
def app(build: Build, version: str) -> State:
    return build.image("busybox").run(f"echo {time.time()}")
"""
# Messages of the page, with a file and options that lead to each.
PROVOKED: dict[str, tuple[str, str, list[str]]] = {
    'process "…" did not complete successfully: exit code: 127': ("", "RUN nope", []),
    "did not complete successfully: exit code: 137": ("", "RUN sleep 60 & kill -9 $!; wait $!", []),
    "did not complete successfully: exit code: …": ("", "RUN exit 3", []),
    "secret …: not found": ("", "RUN --mount=type=secret,id=a,required true", []),
    "unset ssh forward key default": ("", "RUN --mount=type=ssh,required true", []),
    "network.host is not allowed": ("", "RUN --network=host true", []),
    "security.insecure is not allowed": ("", "RUN --security=insecure true", []),
    '"/…": not found': ("", "COPY nope /", []),
    "failed to calculate checksum of ref": ("", "COPY nope /", []),
    "failed to resolve source metadata for …: not found": (
        "",
        "COPY --from=nobody/nothing / /",
        [],
    ),
    "unknown instruction: FORM (did you mean FROM?)": ("", "FORM busybox", []),
    'target stage "…" could not be found': ("", "", ["--target", "nope"]),
    "failed to push …: connection refused": ("", "", ["-t", "localhost:1/app", "--push"]),
    "the exporter local needs a destination": ("", "", ["-o", "type=local"]),
    "the build script … printed no definition": ("build.py", NO_MAIN, []),
    "invalid LLB definition": ("build.py", PRINT, []),
    "--platform is for Dockerfiles and build files, not for the script …": (
        "build.py",
        LOCAL,
        ["--platform", "linux/arm64"],
    ),
    "the build asks for the local directory …, and none is given": ("build.py", LOCAL, []),
    "invalid source '.': expected a tree, which is a State": ("build.py", TREE, []),
    "missing build arg …: expected …": ("build.py", TARGET, []),
    "unknown build arg …": ("build.py", TARGET, ["--build-arg", "v=1"]),
    "unknown target …": ("build.py", TARGET, ["--target", "nope"]),
    "time.time(): the clock is not an input of the build": (
        "build.py",
        TARGET,
        ["--build-arg", "version=1"],
    ),
}


# The hints of daemons' errors, which say what the build lacks.
HINTS = {
    "secret …: not found": "hint: pass it: --secret id=a,src=FILE",
    "unset ssh forward key default": "hint: forward an agent: --ssh default",
    "network.host is not allowed": "hint: grant it with --allow network.host",
    "security.insecure is not allowed": "hint: grant it with --allow security.insecure",
}


@pytest.mark.since("v0.26.0", "RUN --security", case="security.insecure")
@pytest.mark.since(
    "v0.32.2", "the error for an image that a mirror does not have", case="failed to resolve"
)
@pytest.mark.parametrize("message", PROVOKED)
def test_a_message_of_the_page_is_printed(buildkit_host: str, tmp_path: Path, message: str) -> None:
    assert f"`{message}`" in PAGE
    name, text, options = PROVOKED[message]
    (tmp_path / (name or "Dockerfile")).write_text(text if name else f"FROM busybox\n{text}\n")
    process = subprocess.run(
        [sys.executable, "-m", "llb", "build", name or ".", *options],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    pattern = ".*".join(re.escape(part) for part in message.split("…"))
    assert re.search(pattern, process.stderr), process.stderr
    assert HINTS.get(message, "") in process.stderr
