"""The builds of the cookbook with compilers, on the toolchains of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Local
from llb.errors import RemoteError
from tests.e2e import toolchains
from tests.e2e.example_builds import BUILDS, check_image, client, copy_example, state_folder
from tests.e2e.git_server import make_repository, serving_git
from tests.e2e.package_registries import (
    cargo_crates,
    maven_repository,
    read_url,
)
from tests.e2e.servers import free_port, running_sshd

if TYPE_CHECKING:
    from llb.client import Client
    from tests.e2e.example_builds import BuiltImage

__all__ = ["client", "state_folder"]
# Compilers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)


def test_rust_service_answers(client: Client, state_folder: Path) -> None:
    crates = cargo_crates(state_folder, BUILDS / "rust_service" / "Cargo.lock")
    source = '[source.crates-io]\nreplace-with = "near"\n[source.near]\ndirectory = "/vendor"\n'
    rust = toolchains.debian_with_rust().state.mkdir("/usr/local/cargo")
    port = free_port()

    def check(image: BuiltImage) -> None:
        assert image.config["User"] == "65532"
        with image.running(env={"PORT": str(port)}):
            assert read_url(f"http://127.0.0.1:{port}/ann") == "hello ann"

    check_image(
        client,
        "rust_service",
        check,
        contexts={"rust:1-slim": rust.mkfile("/usr/local/cargo/config.toml", source)},
        local_dirs={"vendor": crates},
    )


def test_java_service_answers(client: Client, state_folder: Path, tmp_path: Path) -> None:
    repository = maven_repository(state_folder, BUILDS / "java_service" / "pom.xml")
    settings = (
        "<settings><mirrors><mirror><id>near</id><mirrorOf>*</mirrorOf>"
        "<url>file:///repository</url></mirror></mirrors></settings>"
    )
    maven = toolchains.debian_with_maven().state.copy(Local("repository"), "/repository/")
    folder = (Path(toolchains.find_program("mvn")).resolve().parents[1] / "conf").resolve()
    maven = maven.mkfile(folder / "settings.xml", settings)
    options: dict[str, Any] = {
        "contexts": {"maven:3-eclipse-temurin-21": maven},
        "local_dirs": {"repository": repository},
    }
    port = free_port()

    def check(image: BuiltImage) -> None:
        assert image.names("/app") == ["hello.jar"]
        with image.running(env={"PORT": str(port)}):
            assert read_url(f"http://127.0.0.1:{port}/ann") == "hello ann"

    check_image(client, "java_service", check, **options)
    project = copy_example("java_service", tmp_path)
    source = project / "src/main/java/com/example/Hello.java"
    source.write_text(source.read_text().replace("hello ", "goodbye "))
    with pytest.raises(RemoteError, match="mvn -B -ntp verify"):
        check_image(client, project, check, **options)


def test_cmake_program_is_alone_in_its_image(client: Client, tmp_path: Path) -> None:
    tools = toolchains.debian_with_cmake().state
    packages = toolchains.with_debian_packages(tools, "ccache", "cmake", "g++", "make")
    packages = packages.mkfile("/usr/bin/ccache", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    options: dict[str, Any] = {
        "contexts": {"debian:trixie-slim": packages},
        "local_dirs": {"machine": Path("/")},
    }

    def check(image: BuiltImage) -> None:
        assert image.names("/") == ["words"]
        assert image.run(stdin=b"one two\nthree").stdout == b"3\n"

    check_image(client, "cmake_program", check, **options)
    folder = copy_example("cmake_program", tmp_path)
    source = folder / "src" / "count.cpp"
    source.write_text(source.read_text().replace("count = 0", "count = 1"))
    with pytest.raises(RemoteError, match=r"ctest --test-dir /build"):
        check_image(client, folder, check, **options)


GREETINGS = {
    "go.mod": "module github.com/acme/greetings\n\ngo 1.24\n",
    "greetings.go": """\
package greetings

func Hello(name string) string { return "hello " + name }
""",
}


@pytest.mark.go
def test_go_service_is_a_program_alone(client: Client) -> None:
    def check(image: BuiltImage) -> None:
        assert image.names("/") == ["app"]
        assert image.config["Entrypoint"] == ["/app"]
        assert image.config["User"] == "65532"

    check_image(client, "go_service", check, build_args={"version": "2.0"})


@pytest.mark.go
def test_private_git_is_fetched_with_a_token(client: Client, tmp_path: Path) -> None:
    make_repository(tmp_path, GREETINGS, tag="v1.4.0")

    def check(image: BuiltImage) -> None:
        assert image.run().stdout == b"hello world\n"

    with serving_git(tmp_path, token="t0ken") as url:
        build_args = {"repository": f"{url}/repository.git"}
        with pytest.raises(RemoteError, match=r"could not read Username|Authentication failed"):
            check_image(client, "private_git", check, build_args=build_args)
        secrets = {"GIT_AUTH_TOKEN": "t0ken"}
        check_image(client, "private_git", check, build_args=build_args, secrets=secrets)


@pytest.mark.go
def test_private_git_is_fetched_with_ssh(client: Client, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, GREETINGS, tag="v1.4.0")

    def check(image: BuiltImage) -> None:
        assert image.run().stdout == b"hello world\n"

    with running_sshd(tmp_path / "ssh", tmp_path) as server:
        build_args = {"repository": f"{server.address}{repository}"}
        key = tmp_path / "ssh" / "user"
        check_image(client, "private_git", check, build_args=build_args, ssh=[f"default={key}"])
