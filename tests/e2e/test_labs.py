"""The image that allows what Docker's frontend has in its labs channel alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llb.client import Client, image, local
from llb.errors import SolveError

ROOT = Path(__file__).parents[2]
DOCKERFILE = "FROM busybox AS run\nRUN --device=vendor.example/class=none echo ran > /x\n"
REFUSED = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later"


def build(address: str, folder: Path, frontend: str) -> None:
    (folder / "context").mkdir()
    (folder / "context" / "Dockerfile").write_text(
        f"{DOCKERFILE}FROM scratch\nCOPY --from=run /x /\n"
    )
    with Client(address) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend},
            local_dirs={"context": folder / "context", "dockerfile": folder / "context"},
            exports=[local(folder / "out")],
        )


@pytest.fixture(scope="module")
def labs(frontend: str, buildkit_host: str) -> str:
    """Push the image of the target ``labs``; return its name."""
    name = f"{frontend}:labs"
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"filename": "Dockerfile.frontend", "target": "labs"},
            local_dirs={"context": ROOT, "dockerfile": ROOT},
            exports=[image(name, push=True)],
        )
    return name


@pytest.mark.feature("D11")
def test_a_device_is_for_the_image_of_the_labs(
    frontend: str, labs: str, buildkit_host: str, tmp_path: Path
) -> None:
    with pytest.raises(SolveError) as caught:
        build(buildkit_host, tmp_path, frontend)
    assert REFUSED in caught.value.message
    (tmp_path / "labs").mkdir()
    # Nothing requires the device, which no daemon has, so the step runs without it.
    build(buildkit_host, tmp_path / "labs", labs)
    assert (tmp_path / "labs" / "out" / "x").read_text() == "ran\n"


def test_another_argument_of_the_program_is_refused() -> None:
    command = [sys.executable, "-m", "frontend", "--lab"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: expected --labs or nothing, got --lab\n")
