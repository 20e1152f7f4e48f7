"""The labs image, which allows the features of the labs channel of Docker's frontend."""

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
    """Build and push the image of the target ``labs``; the value is its name."""
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
def test_only_the_labs_image_accepts_a_device(
    frontend: str, labs: str, buildkit_host: str, tmp_path: Path
) -> None:
    with pytest.raises(SolveError) as caught:
        build(buildkit_host, tmp_path, frontend)
    assert REFUSED in caught.value.message
    (tmp_path / "labs").mkdir()
    # The device is not required and no daemon has it, so the step runs without it.
    build(buildkit_host, tmp_path / "labs", labs)
    assert (tmp_path / "labs" / "out" / "x").read_text() == "ran\n"


def test_an_unknown_argument_of_the_program_is_refused() -> None:
    command = [sys.executable, "-m", "frontend", "--lab"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (
        2,
        "error: expected --labs or nothing, got --lab\n",
    )
