"""The extension example: an image with an extended language, named in a syntax line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb.client import Client, image, local
from llb.errors import SolveError, render

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

EXAMPLE = Path(__file__).parents[2] / "examples" / "05_extension"
LLB = Path(sys.executable).with_name("llb")
# The packages of this apt repository need no network; each contains one file.
DOCKERFILE = """\
# syntax=SYNTAX
FROM python:3.13-slim AS base
RUN <<EOF
set -e
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
mkdir -p /packages && cd /packages
for name in greet wave; do
  mkdir -p tree/DEBIAN "tree/opt"
  echo "hello from $name" > "tree/opt/$name"
  printf 'Package: %s\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: a\\nDescription: b\\n' \
    "$name" | tee -a Packages > tree/DEBIAN/control
  dpkg-deb --build tree "$name.deb"
  printf 'Filename: ./%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' "$name" "$(stat -c %s "$name.deb")" \
    "$(sha256sum "$name.deb" | cut -d' ' -f1)" >> Packages
  rm -r tree
done
echo 'deb [trusted=yes] file:/packages ./' > /etc/apt/sources.list
EOF
FROM base AS installed
ARG WHAT=greet
APT $WHAT wave
RUN apt-get --version && ls /var/lib/apt/lists /var/cache/apt > /left
FROM scratch
COPY --from=installed /opt/ /left /
"""


@pytest.fixture(scope="session")
def language(frontend: str, buildkit_host: str) -> str:
    """Build and push the image of the example; the value is its name."""
    name = f"{frontend.partition('/')[0]}/test/apt"
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"build-arg:FRONTEND": frontend},
            local_dirs={"context": EXAMPLE, "dockerfile": EXAMPLE},
            exports=[image(name, push=True)],
        )
    return name


def write_context(folder: Path, dockerfile: str, language: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile.replace("SYNTAX", language))
    return folder


def check_result(folder: Path) -> None:
    assert (folder / "greet").read_text() == "hello from greet\n"
    assert (folder / "wave").read_text() == "hello from wave\n"
    # The downloads of apt are in cache mounts, not in the image.
    assert (folder / "left").read_text() == "/var/cache/apt:\n\n/var/lib/apt/lists:\n"


def test_buildctl_builds_a_dockerfile_with_the_extension(
    language: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    folder = write_context(tmp_path / "context", DOCKERFILE, language)
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend", "dockerfile.v0"),
            *("--local", f"context={folder}", "--local", f"dockerfile={folder}", "--no-cache"),
            *("--output", f"type=local,dest={tmp_path / 'out'}", "--progress", "rawjson"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    check_result(tmp_path / "out")
    events = [json.loads(line) for line in process.stderr.splitlines()]
    names = {vertex["name"] for event in events for vertex in event.get("vertexes") or ()}
    assert "[installed 1/2] APT greet wave" in names
    (warning,) = (entry for event in events for entry in event.get("warnings") or ())
    assert warning["range"] == [{"start": {"line": 20}, "end": {"line": 20}}]


def test_llb_builds_a_dockerfile_with_the_extension(
    language: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = write_context(tmp_path / "context", DOCKERFILE, language)
    process = subprocess.run(
        [LLB, "build", folder, "-o", tmp_path / "out", "--progress", "plain"],
        env={"BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=True,
    )
    check_result(tmp_path / "out")
    rule = "RunAptGet: APT keeps what it loads for other builds, RUN apt-get does not (line 20)"
    assert f"WARN: {rule}" in process.stderr


REFUSED = """\
1 |     # syntax=SYNTAX
2 |     FROM python:3.13-slim
3 | >>> APT greet Wave
  |               ^^^^
error: Dockerfile:3:11: invalid package name Wave (hint: git, or git=1:2.47)"""
UNKNOWN = """\
1 |     # syntax=SYNTAX
2 |     FROM python:3.13-slim
3 | >>> APTT greet
  |     ^^^^
error: Dockerfile:3:1: dockerfile parse error on line 3: unknown instruction: APTT \
(did you mean APT?)"""


@pytest.mark.parametrize(
    ("line", "message"), [("APT greet Wave", REFUSED), ("APTT greet", UNKNOWN)]
)
def test_a_mistake_is_shown_with_its_position(
    line: str, message: str, language: str, buildkit_host: str, tmp_path: Path
) -> None:
    dockerfile = f"# syntax=SYNTAX\nFROM python:3.13-slim\n{line}\n"
    folder = write_context(tmp_path / "context", dockerfile, language)
    with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
        client.solve(
            frontend="dockerfile.v0",
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(tmp_path / "out")],
        )
    assert render(caught.value) == message.replace("SYNTAX", language)
