"""A quick selection of BuildKit's Dockerfile frontend tests; `make conformance` runs them all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llb.client import Client, oci

pytestmark = [pytest.mark.e2e, pytest.mark.go]

ROOT = Path(__file__).parents[2]
SELECTION = (
    "AddChecksum",
    "BaseImagePlatformMismatch",
    "CommandSourceMapping",
    "CopyChmod",
    "CopyLinkDotDestDir",
    "CopyWildcards",
    "Dockerignore",
    "ErrorsSourceMap",
    "GlobalArg",
    "MountRWCache",
    "NamedImageContext",
    "OnBuildWithChildStage",
    "TarContext",
    "WorkdirCreatesDir",
)


@pytest.mark.timeout(1800)
def test_a_selection_of_buildkits_own_tests_passes(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    archive = tmp_path / "frontend.tar"
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"filename": "Dockerfile"},
            local_dirs={"context": tmp_path, "dockerfile": _write_dockerfile(frontend, tmp_path)},
            exports=[oci(archive)],
        )
    only = f"TestIntegration/Test({'|'.join(SELECTION)})$/worker=oci$"
    process = subprocess.run(
        [ROOT / "dev" / "suite", "--only", only, f"quick={archive}"],
        check=True,
        capture_output=True,
        text=True,
    )
    count = len(SELECTION)
    assert f"builds with quick: {count} pass, 0 skip, 0 fail of {count}," in process.stdout


def _write_dockerfile(image: str, folder: Path) -> Path:
    """Write a Dockerfile that only names an image; return its folder."""
    (folder / "Dockerfile").write_text(f"FROM {image}\n")
    return folder
