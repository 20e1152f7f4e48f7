"""The wheel in a separate environment: it has one package and ignores the user's folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.checkout import ROOT, exclusive_build

UV = Path(sys.executable).with_name("uv")

pytestmark = pytest.mark.e2e


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    process = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    with exclusive_build():
        run(UV, "build", "--wheel", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with only the wheel and its dependencies installed."""
    folder = tmp_path_factory.mktemp("environment")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    interpreter = folder / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", interpreter, wheel, cwd=folder)
    return interpreter


@pytest.fixture(scope="module")
def python_with_grpcio(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel and its extra for grpcio."""
    folder = tmp_path_factory.mktemp("extended")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    interpreter = folder / "venv" / "bin" / "python"
    extra = f"{wheel}[grpc]"
    run(UV, "pip", "install", "--quiet", "--python", interpreter, extra, cwd=folder)
    return interpreter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with folders and files that are named like modules of llb."""
    for name in ("frontend", "dockerfile", "client", "gateway"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            "raise RuntimeError('the project is imported')\n"
        )
    (tmp_path / "llb_build.py").write_text("raise RuntimeError('the project is imported')\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "build.py").write_text(
        "from llb import Scratch, main\n\nmain(Scratch().mkdir('/made'))\n"
    )
    return tmp_path


def test_llb_is_the_only_package_of_the_wheel(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"llb"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["convert", "Dockerfile"],
        ["dockerfile", "convert", "Dockerfile", "-o", "image.pb"],
        ["dump", "build.py"],
        ["graph", "build.py"],
        ["frontend", "new", "apps"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_commands_ignore_folders_of_the_project(
    python: Path, project: Path, arguments: list[str]
) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run(python, "-m", "llb", *arguments, cwd=project, env=environ)


# An import of the package, on one line or in parentheses.
IMPORT = re.compile(
    r"^(?:from llb[\w.]* import (?:\([^)]*\)|[^(\n]+)|import llb[^\n]*)$", re.MULTILINE
)


def test_the_imports_of_the_documentation_work(python_with_grpcio: Path, project: Path) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    statements_by_page = (IMPORT.findall(page.read_text()) for page in pages)
    imports = sorted({statement for statements in statements_by_page for statement in statements})
    assert len(imports) >= len(pages)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run(python_with_grpcio, "-c", "\n".join(imports), cwd=project, env=environ)


def test_grpcio_is_an_extra(python: Path, python_with_grpcio: Path, tmp_path: Path) -> None:
    attempt = (
        "try:\n    from llb.grpcio import control_pb2_grpc\nexcept ImportError as error:\n"
        "    print(error)\nelse:\n    print(control_pb2_grpc.ControlStub.__name__)"
    )
    assert run(python, "-c", attempt, cwd=tmp_path) == (
        "llb.grpcio needs grpcio: install it with pip install 'pyllb[grpc]'\n"
    )
    assert run(python_with_grpcio, "-c", attempt, cwd=tmp_path) == "ControlStub\n"


BUILD = """\
from llb import State
from llb.buildfile import Build, target


@target
def app(build: Build, version: str = "1.0") -> State:
    return build.image("busybox").run(f"echo {version} > /version").copy(build.context(), "/src")
"""


@pytest.fixture
def environ(buildkit_host: str) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {**environ, "BUILDKIT_HOST": buildkit_host}


def test_a_build_file_is_built_with_nothing_but_the_wheel(
    python: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "build.py").write_text(BUILD)
    arguments = ["build.py", "--build-arg", "version=2", "-o", "out"]
    run(python, "-m", "llb", "build", *arguments, cwd=tmp_path, env=environ)
    assert (tmp_path / "out" / "version").read_text() == "2\n"


@pytest.mark.timeout(300)
def test_the_image_of_the_frontend_is_made_from_the_wheel(
    python: Path, tmp_path: Path, environ: dict[str, str], registry: str
) -> None:
    name = f"{registry}/test/wheel-frontend"
    llb: list[str | Path] = [python, "-m", "llb"]
    run(*llb, "frontend", "image", "-t", name, "--push", cwd=tmp_path, env=environ)
    (tmp_path / "build.py").write_text(f"# syntax={name}\n{BUILD}")
    (tmp_path / "Dockerfile").write_text(f"# syntax={name}\nFROM busybox\nRUN echo 3 > /version\n")
    run(*llb, "build", "build.py", "-o", "out", cwd=tmp_path, env=environ)
    assert (tmp_path / "out" / "version").read_text() == "1.0\n"
    run(*llb, "build", ".", "-o", "from-dockerfile", cwd=tmp_path, env=environ)
    assert (tmp_path / "from-dockerfile" / "version").read_text() == "3\n"
    targets = run(*llb, "build", "build.py", "--call=targets", cwd=tmp_path, env=environ)
    assert targets.splitlines()[1].split() == ["app", "(default)"]
