"""A frontend's program is packed as an image with Python and this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import llb
from llb.errors import InputError
from llb.frontend.kit import pack, pack_builtin
from llb.frontend.kit.packing import PACKAGES, _package
from llb.testing.graphs import steps
from llb.testing.images import FakeImage, FakeImages

if TYPE_CHECKING:
    from llb.testing.graphs import Step

COMPILED = "python3 -m compileall -q --invalidation-mode unchecked-hash"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "main.py"
    path.write_text("")
    return path


@pytest.fixture
def images() -> FakeImages:
    return FakeImages({"*": FakeImage()})


def locals_of(all_steps: tuple[Step, ...]) -> dict[str, dict[str, Any]]:
    """Get the patterns of each local directory."""
    return {
        step.vertex.op["identifier"].removeprefix("local://"): {
            key: json.loads(value)
            for key, value in step.vertex.op["attrs"].items()
            if key in ("local.includepattern", "local.excludepatterns")
        }
        for step in all_steps
        if step.vertex.op.get("identifier", "").startswith("local://")
    }


def test_an_image_has_the_packages_of_this_installation_and_the_program(
    program: Path, images: FakeImages
) -> None:
    packed = pack(program, resolver=images, platform="linux/amd64")
    image_steps = steps(packed.state.marshal())
    assert images.asked == ["docker.io/library/python:3.13-slim"]
    sources = locals_of(image_steps)
    assert packed.local_dirs["program"] == program.parent
    included = {
        packed.local_dirs[name] / package
        for name, attrs in sources.items()
        for package in attrs.get("local.includepattern", ())
    }
    assert Path(llb.__file__).parent in included
    assert all(path.is_dir() for path in included)
    excluded = sources["packages 0"]["local.excludepatterns"]
    assert {"llb/cli", "llb/client", "llb/frontend/kit", "llb/testing"} < set(excluded)
    assert image_steps[-1].command == f"{COMPILED} /opt/frontend {PACKAGES}"


def test_the_image_starts_the_program_for_a_daemon(program: Path, images: FakeImages) -> None:
    state = pack(program, resolver=images, platform="linux/amd64").state
    config = json.loads(state.image_config())["config"]
    assert config["Entrypoint"] == ["python3", "-S", "-m", "llb.gateway", "/opt/frontend/main.py"]
    assert config["Env"][-3:] == [
        f"PYTHONPATH={PACKAGES}",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONHASHSEED=0",
    ]
    assert config["Labels"] == {
        "moby.buildkit.frontend.network.none": "true",
        "moby.buildkit.frontend.caps": "moby.buildkit.frontend.inputs,"
        "moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts,"
        "moby.buildkit.frontend.gitquerystring,moby.buildkit.frontend.contexts.zstd",
    }


def test_the_base_image_can_be_chosen(program: Path, images: FakeImages) -> None:
    pack(program, resolver=images, base="example.com/python")
    assert images.asked == ["example.com/python:latest"]


def test_on_a_frontend_only_the_program_is_packed(program: Path, images: FakeImages) -> None:
    packed = pack(program, resolver=images, on="example.com/f", platform="linux/amd64")
    assert packed.local_dirs == {"program": program.parent}
    image_steps = steps(packed.state.marshal())
    assert list(locals_of(image_steps)) == ["program"]
    assert image_steps[-1].command == f"{COMPILED} /opt/frontend"


def test_the_own_frontend_is_packed_without_a_program(images: FakeImages) -> None:
    packed = pack_builtin(resolver=images, platform="linux/amd64")
    image_steps = steps(packed.state.marshal())
    assert images.asked == ["docker.io/library/python:3.13-slim"]
    assert list(packed.local_dirs) == list(locals_of(image_steps))
    assert Path(llb.__file__).parents[1] in packed.local_dirs.values()
    assert image_steps[-1].command == f"{COMPILED} {PACKAGES}"
    config = json.loads(packed.state.image_config())["config"]
    program = "import sys; from llb.frontend import serve_dockerfile; sys.exit(serve_dockerfile())"
    assert config["Entrypoint"] == ["python3", "-S", "-c", program]
    assert config["Labels"]["moby.buildkit.frontend.network.none"] == "true"
    assert "PYTHONHASHSEED=0" in config["Env"]


def test_the_base_image_of_the_own_frontend_can_be_chosen(images: FakeImages) -> None:
    pack_builtin(resolver=images, base="example.com/python")
    assert images.asked == ["example.com/python:latest"]


def test_packing_is_deterministic(program: Path, images: FakeImages) -> None:
    first, second = (pack(program, resolver=images).state.marshal() for _ in range(2))
    assert first.head == second.head


def test_a_missing_program_is_refused(tmp_path: Path, images: FakeImages) -> None:
    with pytest.raises(InputError) as caught:
        pack(tmp_path / "none.py", resolver=images)
    assert caught.value.message == f"no such program: {tmp_path / 'none.py'}"


@pytest.mark.parametrize("name", ["nonesuch", "nonesuch.inner", "this"])
def test_a_package_that_is_not_in_a_directory_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        _package(name)
    assert caught.value.message == f"cannot copy the package {name}: it is not in a directory"
