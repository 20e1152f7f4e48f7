"""What the structure promises: imports that point one way, and a light `import llb`."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "grpc",
    "google.protobuf",
    "click",
    "rich",
    "llb.client",
    "llb.gateway",
    "llb.cli",
    "hpack",
)
LINES = 600
FILES = 16
UNIT = ROOT / "tests" / "unit"
PROGRAM = ROOT / "frontend"


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after ``statement``."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_llb_loads_the_model_alone() -> None:
    assert loaded_by("import llb").isdisjoint(HEAVY)


def test_a_frontend_loads_no_client() -> None:
    loaded = loaded_by("import llb.frontend.build")
    assert loaded.isdisjoint({"grpc", "click", "rich", "llb.client", "llb.cli"})
    assert not {each for each in loaded if each.startswith("llb.gateway.container")}


def test_a_build_loads_what_it_needs_alone() -> None:
    loaded = loaded_by(
        "import llb.cli.commands.build, llb.client.client, llb.client.progress.display"
    )
    others = {
        "llb.client.history",
        "llb.client.connect.docker_engine",
        "llb.client.connect.connhelpers",
    }
    assert loaded.isdisjoint(
        {"grpc", "asyncio", "ssl", "subprocess", "tempfile", "shutil", "rich", "nacl", *others}
    )


@pytest.mark.parametrize("name", ["llb.client", "llb.frontend", "llb.gateway"])
def test_every_public_name_of_a_face_is_there(name: str) -> None:
    face = import_module(name)
    assert [each for each in face.__all__ if not hasattr(face, each)] == []


def test_import_directions_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_files_are_short_enough_to_have_one_subject() -> None:
    files = [path for folder in ("llb", "frontend") for path in (ROOT / folder).rglob("*.py")]
    long = [str(path) for path in files if len(path.read_text().splitlines()) > LINES]
    assert [path for path in long if "_pb" not in path] == []


def is_named_like_a_module(test: Path) -> bool:
    """Return whether there is a module ``x`` for ``test_x.py``, or for ``test_x_of_some_kind.py``."""
    folder = test.parent.relative_to(UNIT)
    inside = PROGRAM / folder.relative_to("program") if folder.parts[:1] == ("program",) else None
    package = inside or ROOT / "llb" / folder
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    names += [spelled for name in names for spelled in (f"_{name}", f"__{name}__")]
    return any((package / f"{name}.py").exists() or (package / name).is_dir() for name in names)


def test_a_unit_test_is_named_like_the_module_that_it_tests() -> None:
    # What protoc generates has no names of ours.
    files = [each for each in UNIT.rglob("test_*.py") if each.stem != "test_protos"]
    assert [str(each.relative_to(UNIT)) for each in files if not is_named_like_a_module(each)] == []


def test_a_folder_is_small_enough_to_be_looked_over() -> None:
    # Commands are as many as there are, and what protoc generates is looked at by nobody.
    folders = [
        each for root in ("llb", "frontend") for each in (ROOT / root).rglob("*") if each.is_dir()
    ]
    sizes = {
        str(each.relative_to(ROOT)): len(list(each.glob("*.py")))
        for each in folders
        if each.name not in ("_pb", "commands")
    }
    assert {name: size for name, size in sizes.items() if size > FILES} == {}
