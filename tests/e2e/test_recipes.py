"""Recipes for package managers on a real BuildKit: installed files, caches, failures."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from llb import Image, Local, Scratch, State, files
from llb.client import Client, Event, Vertex, VertexLog, local
from llb.errors import SolveError
from llb.recipes import apt, npm, pip, uv
from tests.e2e.toolchains import PYTHON, UV, debian_with_node, with_debian_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Package managers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)
# The build backend of a package without build dependencies; each build has a unique id.
BACKEND = """\
import pathlib, uuid, zipfile

def build_wheel(folder, settings=None, metadata=None):
    name = "NAME-1.0-py3-none-any.whl"
    contents = {
        "NAME.py": f"BUILT = '{uuid.uuid4()}'\\n",
        "NAME-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n",
        "NAME-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
        "Tag: py3-none-any\\n",
    }
    contents["NAME-1.0.dist-info/RECORD"] = "".join(f"{each},,\\n" for each in contents)
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)
    return name

build_editable = build_wheel
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "NAME"
version = "1.0"
requires-python = ">=3.11"
"""


@frozen
class BuildReport:
    """The report of a build: the names of the cached steps, and the log."""

    cached: frozenset[str]
    log: str


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


@pytest.fixture
def token() -> str:
    """A unique name that occurs in no cache."""
    return f"p{uuid.uuid4().hex}"


def build(client: Client, state: State, **folders: Path) -> BuildReport:
    events: list[Event] = []
    client.solve(state, local_dirs=folders, on_event=events.append)
    steps = {event.digest: event for event in events if isinstance(event, Vertex)}
    logs = [event.data for event in events if isinstance(event, VertexLog)]
    return BuildReport(
        frozenset(vertex.name for vertex in steps.values() if vertex.cached),
        b"".join(logs).decode(),
    )


def read_output(client: Client, state: State, command: str, out: Path, **folders: Path) -> str:
    """Run a command in a state; return its output."""
    state_with_output = Scratch().copy(
        state.run(f"({command}) > /told", user="root"), "/", src="/told"
    )
    client.solve(state_with_output, local_dirs=folders, exports=[local(out)])
    return (out / "told").read_text()


def make_sdist(name: str) -> bytes:
    """Build the source distribution of a package."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, template in {"pyproject.toml": PYPROJECT, "backend.py": BACKEND}.items():
            data = template.replace("NAME", name).encode()
            entry = tarfile.TarInfo(f"{name}-1.0/{path}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def test_apt_downloads_a_package_once_and_leaves_no_cache(
    client: Client, token: str, tmp_path: Path
) -> None:
    base = with_debian_packages(PYTHON, f"greet{token}", f"wave{token}")
    first = base.pipe(apt.install, f"greet{token}=1:1.*")
    printed = read_output(
        client, first, f"cat /opt/greet{token}; ls /var/cache /var/lib/apt", tmp_path / "1"
    )
    assert printed.splitlines()[0] == f"hello from greet{token}"
    assert "recipes" not in printed
    # The package is removed from the repository, so apt can only install it from the cache.
    changed = base.rm(f"/packages/greet{token}.deb").user("nobody")
    second = changed.pipe(apt.install, f"greet{token}", f"wave{token}")
    assert read_output(client, second, "cat /opt/*", tmp_path / "2") == (
        f"hello from greet{token}\nhello from wave{token}\n"
    )
    with pytest.raises(SolveError, match="exit code: 100"):
        client.solve(base.rm("/packages/Packages").pipe(apt.install, f"greet{token}"))


@pytest.mark.parametrize("user", ["root", "www-data"])
def test_pip_builds_a_wheel_once(client: Client, token: str, user: str, tmp_path: Path) -> None:
    base = (
        Image("python:3.13-slim")
        .copy(files({f"sdists/{token}-1.0.tar.gz": make_sdist(token)}), "/")
        .mkdir("/installed", mode=0o777)
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", "/sdists")
        .env("PIP_NO_CACHE_DIR", "1")
        .user(user)
    )
    context = tmp_path / "context"
    context.mkdir()
    (context / "requirements.txt").write_text(f"{token}==1.0\n")
    (context / "app.py").write_text("1\n")

    def install(state: State) -> State:
        return state.pipe(
            pip.install,
            requirements="requirements.txt",
            source=Local("context"),
            flags=["--target", "/installed"],
        )

    show = f"cat /installed/{token}.py; ls -d /src /var/cache/recipes || true"
    first = read_output(client, install(base), show, tmp_path / "1", context=context)
    second = read_output(
        client, install(base.mkfile("/installed/x", "1")), show, tmp_path / "2", context=context
    )
    assert first.startswith("BUILT = '")
    assert len(first.splitlines()) == 1
    assert second == first
    (context / "app.py").write_text("2\n")
    report = build(client, install(base), context=context)
    assert "pip install -r /src/requirements.txt" in report.cached


@pytest.mark.parametrize("user", ["root", "www-data"])
def test_uv_installs_dependencies_once(
    client: Client, token: str, user: str, tmp_path: Path
) -> None:
    base = (
        Image("python:3.13-slim")
        .copy(Local("tools", include=["uv"]), "/usr/local/bin/")
        .copy(files({f"sdists/{token}-1.0.tar.gz": make_sdist(token)}), "/")
        .env("UV_OFFLINE", "1")
        .env("UV_NO_INDEX", "1")
        .env("UV_FIND_LINKS", "/sdists")
        .env("UV_PYTHON_DOWNLOADS", "never")
        .workdir("/app")
    )
    app = tmp_path / "context"
    app.mkdir()
    project = PYPROJECT.replace("NAME", "app") + f"dependencies = ['{token}']\n"
    (app / "pyproject.toml").write_text(project)
    (app / "backend.py").write_text(BACKEND.replace("NAME", "app"))
    (app / ".venv").mkdir()
    (app / ".venv" / "other").write_text("the host's own")
    folders = {"tools": UV.parent, "context": app}
    lock = base.copy(Local("context"), "./", exclude=[".venv"]).run("uv lock")
    client.solve(
        Scratch().copy(lock, "/", src="/app/uv.lock"), local_dirs=folders, exports=[local(app)]
    )
    state = base.user(user).pipe(uv.sync, Local("context"))
    show = f"cat .venv/lib/*/site-packages/{token}.py .venv/lib/*/site-packages/app.py; ls -A .venv"
    first = read_output(client, state, show, tmp_path / "1", **folders)
    assert first.count("BUILT = ") == 2
    assert "other" not in first
    (app / "main.py").write_text("changed")
    report = build(client, state, **folders)
    assert "uv sync --frozen --no-install-workspace" in report.cached
    assert "uv sync --locked" not in report.cached
    # In another directory everything is installed again, but not built again.
    elsewhere = base.user(user).workdir("/other").pipe(uv.sync, Local("context"), frozen=True)
    third = read_output(
        client, elsewhere, f"cat .venv/lib/*/site-packages/{token}.py", tmp_path / "2", **folders
    )
    assert third.splitlines() == first.splitlines()[:1]
    # An outdated lock file is an error.
    (app / "pyproject.toml").write_text(project.replace('"1.0"', '"2.0"'))
    with pytest.raises(SolveError) as caught:
        build(client, state, **folders)
    assert "needs to be updated" in "\n".join(caught.value.log)


@pytest.mark.parametrize("user", ["root", "www-data"])
def test_npm_installs_dependencies_once(
    client: Client, token: str, user: str, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        data = f'{{"name": "{token}", "version": "1.0.0"}}'.encode()
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    node = debian_with_node()
    base = node.state.copy(files({"packages/dep.tgz": buffer.getvalue()}), "/")
    app = tmp_path / "context"
    app.mkdir()
    (app / "package.json").write_text(
        f'{{"name": "app", "version": "1.0.0", "dependencies": {{"{token}": "file:/packages/dep.tgz"}}}}'
    )
    folders = {**node.folders, "context": app}
    lock = base.copy(Local("context"), "./").run("npm install --package-lock-only")
    client.solve(
        Scratch().copy(lock, "/", src="/app/package-lock.json"),
        local_dirs=folders,
        exports=[local(app)],
    )
    (app / "node_modules").mkdir()
    (app / "node_modules" / "other").write_text("the host's own")
    state = base.user(user).pipe(npm.ci, Local("context"), omit=["dev"])
    show = "ls node_modules; ls"
    assert read_output(client, state, show, tmp_path / "1", **folders) == (
        f"{token}\nnode_modules\npackage-lock.json\npackage.json\n"
    )
    (app / "main.js").write_text("changed")
    report = build(client, state, **folders)
    assert "npm ci --no-audit --no-fund --omit=dev" in report.cached
    # In another directory everything is installed again from the cache.
    elsewhere = (
        base.rm("/packages")
        .user(user)
        .workdir("/other")
        .pipe(npm.ci, Local("context"), scripts=False)
    )
    assert (
        read_output(client, elsewhere, "ls node_modules", tmp_path / "2", **folders) == f"{token}\n"
    )
