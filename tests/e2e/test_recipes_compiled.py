"""Recipes for compilers on a real BuildKit, with this machine's toolchains."""

from __future__ import annotations

import os
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from llb import Local, State
from llb.errors import SolveError
from llb.recipes import cargo, go
from tests.e2e.test_recipes import build, client, read_output, token
from tests.e2e.toolchains import PYTHON, debian_with_rust, find_program, read_path

if TYPE_CHECKING:
    from pathlib import Path

    from llb.client import Client

__all__ = ["client", "token"]
# Compilers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)


def write_go_module(folder: Path, name: str) -> None:
    """Add a module to a folder that has the layout of a Go module proxy."""
    versions = folder / "example.com" / name / "@v"
    versions.mkdir(parents=True)
    (versions / "list").write_text("v1.0.0\n")
    (versions / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (versions / "v1.0.0.mod").write_text(f"module example.com/{name}\n")
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as archive:
        inside = f"example.com/{name}@v1.0.0"
        archive.writestr(f"{inside}/go.mod", f"module example.com/{name}\n")
        archive.writestr(f"{inside}/dep.go", f'package dep\n\nconst Word = "{name}"\n')


@pytest.mark.go
@pytest.mark.parametrize("user", ["root", "www-data"])
def test_go_downloads_and_compiles_a_module_once(
    client: Client, token: str, user: str, tmp_path: Path
) -> None:
    proxy, app = tmp_path / "proxy", tmp_path / "context"
    write_go_module(proxy, token)
    (app / "cmd" / "app").mkdir(parents=True)
    (app / "go.mod").write_text(f"module app\n\ngo 1.21\n\nrequire example.com/{token} v1.0.0\n")
    main = app / "cmd" / "app" / "main.go"
    main.write_text(
        f'package main\n\nimport dep "example.com/{token}"\n\nfunc main() {{ println(dep.Word) }}\n'
    )
    offline = {"GOPROXY": f"file://{proxy}", "GONOSUMDB": "*", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [find_program("go"), "mod", "tidy"],
        cwd=app,
        env=os.environ | offline | {"GOMODCACHE": str(tmp_path / "mod"), "GOFLAGS": "-modcacherw"},
        check=True,
        capture_output=True,
    )
    root = read_path("go", "env", "GOROOT")
    toolchain = Local("go", include=["bin", "pkg", "src", "VERSION"], exclude=["**/testdata"])
    state = (
        PYTHON.copy(toolchain, "/usr/local/go/")
        .mkdir("/out", mode=0o777)
        .env("PATH", "/usr/local/go/bin:/usr/bin:/bin")
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "file:///proxy")
        .env("GONOSUMDB", "*")
        .user(user)
        .workdir("/out")
    )
    folders = {"go": root, "context": app, "proxy": proxy}

    def build_app(tree: State) -> State:
        return tree.pipe(go.build, Local("context"), "./cmd/app", output="app", flags=["-v"])

    first = build_app(state.copy(Local("proxy"), "/proxy/"))
    assert (
        read_output(client, first, "./app 2>&1; ls -d /src || true", tmp_path / "1", **folders)
        == f"{token}\n"
    )
    # The module is missing now and main.go has changed, so only main.go is compiled.
    main.write_text(main.read_text().replace("println(", 'println("new", '))
    second = build_app(state)
    assert build(client, second, **folders).log == "app/cmd/app\n"
    assert read_output(client, second, "./app 2>&1", tmp_path / "2", **folders) == f"new {token}\n"


CARGO = """\
[package]
name = "NAME"
version = "1.0.0"
edition = "2021"
"""


@pytest.mark.parametrize("user", ["root", "www-data"])
def test_cargo_compiles_dependencies_once(
    client: Client, token: str, user: str, tmp_path: Path
) -> None:
    app, crate = tmp_path / "context", tmp_path / "vendor" / token
    main = app / "src" / "main.rs"
    main.parent.mkdir(parents=True)
    main.write_text(f'fn main() {{ println!("{{}}", {token}::WORD); }}\n')
    (app / "Cargo.toml").write_text(
        f'{CARGO.replace("NAME", token + "app")}[dependencies]\n{token} = "1.0.0"\n'
    )
    (app / ".cargo").mkdir()
    (app / ".cargo" / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "near"\n[source.near]\ndirectory = "/vendor"\n'
    )
    (crate / "src").mkdir(parents=True)
    (crate / "src" / "lib.rs").write_text(f'pub const WORD: &str = "{token}";\n')
    (crate / "Cargo.toml").write_text(CARGO.replace("NAME", token))
    (crate / ".cargo-checksum.json").write_text('{"files": {}}')
    rust = debian_with_rust()
    base, folders = rust.state, {**rust.folders, "context": app, "vendor": crate.parent}
    lock = base.copy(Local("context"), "/src/").workdir("/src").run("cargo generate-lockfile")
    lock_file = read_output(client, lock, "cat Cargo.lock", tmp_path / "lock", **folders)
    (app / "Cargo.lock").write_text(lock_file)
    state = base.mkdir("/out", mode=0o777).workdir("/out").user(user)
    name = f"{token}app"
    first = state.pipe(cargo.build, Local("context"), name, output=".")
    show = f"./{name}; ls -d /src /var/cache/recipes || true"
    assert read_output(client, first, show, tmp_path / "1", **folders) == f"{token}\n"
    # The source changes, with a timestamp before the first build: only the program is recompiled.
    main.write_text(main.read_text().replace("{}", "new {}"))
    os.utime(main, (0, 0))
    log = build(client, first, **folders).log
    assert [line.split()[:2] for line in log.splitlines() if "Compiling" in line] == [
        ["Compiling", name]
    ]
    assert read_output(client, first, show, tmp_path / "2", **folders) == f"new {token}\n"


def test_an_outdated_lock_file_fails_the_build(client: Client, token: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text("fn main() {}\n")
    (tmp_path / "Cargo.toml").write_text(CARGO.replace("NAME", token))
    (tmp_path / "vendor").mkdir()
    rust = debian_with_rust()
    base = rust.state
    folders = {**rust.folders, "context": tmp_path, "vendor": tmp_path / "vendor"}
    with pytest.raises(SolveError) as caught:
        build(client, base.pipe(cargo.build, Local("context"), token), **folders)
    assert "--locked" in "\n".join(caught.value.log)
