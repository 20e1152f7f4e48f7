"""The Docker Engines of the tests, which are run without the program ``docker`` on PATH.

Docker 20.10 is Debian bookworm's. The newer ones run with each of their image stores: by default
the newest, and all versions in ``PYLLB_DOCKER``, separated by spaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from llb import Image, Local
from llb.client import Client, image
from tests.e2e.conftest import STACK
from tests.e2e.servers import DockerEngine

if TYPE_CHECKING:
    import pytest

    from tests.e2e.conftest import Buildctl

OLD = "20.10"
# The suites of Debian with newer versions; Docker 29 is built from source.
SUITES = {"26.1": "trixie", "28.5": "forky", "29": "source"}
STORES = ("overlay2", "containerd")
NEWER = tuple(
    f"{version}-{store}"
    for version in os.environ.get("PYLLB_DOCKER", "28.5").split()
    for store in STORES
)
ENGINES = (OLD, *NEWER)
PROGRAM = shutil.which("docker")
BUILDKIT_IMAGE = "pyllb/buildkit"


def to_engine(name: str) -> DockerEngine:
    """Find the programs of one of the ENGINES; those of a newer one are downloaded once."""
    if name == OLD:
        return DockerEngine()
    suite = SUITES[name.partition("-")[0]]
    process = subprocess.run([STACK, "docker", suite], check=True, capture_output=True, text=True)
    folder = process.stdout.splitlines()[-1]
    return DockerEngine(folder, has_containerd_store(name))


def has_containerd_store(engine: str) -> bool:
    """Check whether one of the ENGINES keeps its images in containerd."""
    return engine.endswith("-containerd")


def docker(*arguments: str | Path) -> str:
    """Run Docker's CLI, to look at what was built, and return its output."""
    assert PROGRAM is not None
    process = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def run_image(name: str, script: str, folder: Path) -> str:
    """Run a shell script in a container of an image, and return its output.

    It goes through a file below ``folder``: a busy engine waits two seconds for the output of a
    process that has ended, and then loses the rest.
    """
    output = folder / "container"
    output.mkdir()
    options = ("--rm", "--network=none", f"--volume={output}:/output")
    docker("run", *options, name, "sh", "-c", f"({script}) > /output/stdout")
    return (output / "stdout").read_text()


def load_buildkit(host: str, buildctl: Buildctl, folder: Path) -> str:
    """Load an image with the stack's BuildKit into a Docker, and return its name."""
    (folder / "usr" / "bin").mkdir(parents=True)
    runc = shutil.which("runc", path=f"{os.environ['PATH']}:/usr/sbin")
    assert runc is not None
    for program in (buildctl.program, buildctl.program.parent / "buildkitd", Path(runc)):
        shutil.copy(program, folder / "usr" / "bin")
    output = subprocess.run(["ldd", runc], capture_output=True, text=True, check=True).stdout
    for library in (
        word for line in output.splitlines() for word in line.split() if word[0] == "/"
    ):
        (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, folder / library[1:])
    state = Image("busybox").copy(Local("root"), "/", src="/").entrypoint(["buildkitd"])
    with Client(host) as client:
        client.solve(state, local_dirs={"root": folder}, exports=[image(BUILDKIT_IMAGE)])
    return BUILDKIT_IMAGE


def hide_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set PATH to a folder with links to all programs except ``docker``."""
    programs = folder / "programs-without-docker"
    if not programs.exists():
        programs.mkdir()
        for place in os.environ["PATH"].split(os.pathsep):
            for program in Path(place).glob("*"):
                link = programs / program.name
                if program.name != "docker" and not link.exists() and not link.is_symlink():
                    link.symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    assert shutil.which("docker") is None
