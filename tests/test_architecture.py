"""The architecture: directions of imports, light imports, and small files and folders."""

from __future__ import annotations

import ast
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
    """List the modules that a new interpreter has loaded after ``statement``."""
    code = f"import sys; {statement}; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


def test_import_llb_loads_only_the_model() -> None:
    assert loaded_by("import llb").isdisjoint(HEAVY)


def test_a_frontend_does_not_load_the_client() -> None:
    loaded = loaded_by("import llb.frontend.build")
    assert loaded.isdisjoint({"grpc", "click", "rich", "llb.client", "llb.cli"})
    assert not {name for name in loaded if name.startswith("llb.gateway.container")}


def test_a_build_loads_only_what_it_needs() -> None:
    loaded = loaded_by(
        "import llb.cli.commands.build, llb.client.client, llb.client.progress.display"
    )
    unused = {
        "llb.client.history",
        "llb.client.connect.docker.engine",
        "llb.client.connect.connhelpers",
    }
    assert loaded.isdisjoint(
        {"grpc", "asyncio", "ssl", "subprocess", "tempfile", "shutil", "rich", "nacl", *unused}
    )


@pytest.mark.parametrize("name", ["llb.client", "llb.frontend", "llb.gateway"])
def test_every_public_name_of_a_package_exists(name: str) -> None:
    package = import_module(name)
    assert [public for public in package.__all__ if not hasattr(package, public)] == []


def test_imports_follow_the_layers() -> None:
    process = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout


def test_files_are_short_enough_to_have_one_subject() -> None:
    files = [path for folder in ("llb", "frontend") for path in (ROOT / folder).rglob("*.py")]
    long = [str(path) for path in files if len(path.read_text().splitlines()) > LINES]
    assert [path for path in long if "_pb" not in path] == []


def is_named_like_a_module(test: Path) -> bool:
    """Check whether a module ``x`` exists for ``test_x.py`` or ``test_x_of_some_kind.py``."""
    folder = test.parent.relative_to(UNIT)
    inside = PROGRAM / folder.relative_to("program") if folder.parts[:1] == ("program",) else None
    package = inside or ROOT / "llb" / folder
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    names += [spelled for name in names for spelled in (f"_{name}", f"__{name}__")]
    return any((package / f"{name}.py").exists() or (package / name).is_dir() for name in names)


def test_a_unit_test_is_named_like_its_module() -> None:
    # Modules that protoc generates are not named by us.
    files = [path for path in UNIT.rglob("test_*.py") if path.stem != "test_protos"]
    assert [str(path.relative_to(UNIT)) for path in files if not is_named_like_a_module(path)] == []


def test_a_folder_has_few_files() -> None:
    # The number of commands is given, and nobody reads the files that protoc generates.
    folders = [
        path for root in ("llb", "frontend") for path in (ROOT / root).rglob("*") if path.is_dir()
    ]
    sizes = {
        str(path.relative_to(ROOT)): len(list(path.glob("*.py")))
        for path in folders
        if path.name not in ("_pb", "commands")
    }
    assert {name: size for name, size in sizes.items() if size > FILES} == {}


def test_only_one_module_asks_pathlib_about_paths() -> None:
    # pathlib raises OSError where `llb.local_files.paths` raises our own errors.
    own = (ROOT / "llb" / "local_files", ROOT / "llb" / "testing")
    calls = []
    for path in sorted((ROOT / "llb").rglob("*.py")):
        if not any(path.is_relative_to(folder) for folder in own):
            calls += [
                f"{path.relative_to(ROOT)}:{node.lineno}"
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("exists", "is_dir", "is_file")
                and not node.args + node.keywords
            ]
    assert calls == []
