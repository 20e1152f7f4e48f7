"""Builds of the folders in examples/builds, with the images of this machine's toolchains."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen

from llb import Image, State
from llb.client import Client
from llb.frontend import build_in_process
from tests.e2e import toolchains
from tests.e2e.toolchains import PYTHON, Toolchain
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb.gateway import Completed, Gateway, Process, Ref, Request, Result

BUILDS = Path(__file__).parents[2] / "examples" / "builds"
# The images that the examples use; tests cannot pull them.
IMAGES: Mapping[str, Callable[[], Toolchain]] = {
    "debian:trixie-slim": lambda: Toolchain(PYTHON, {}),
    "eclipse-temurin:21-jre": toolchains.debian_with_maven,
    "ghcr.io/astral-sh/uv:0.9": toolchains.uv_alone,
    "golang:1.26": toolchains.debian_with_go,
    "maven:3-eclipse-temurin-21": toolchains.debian_with_maven,
    "nginx:alpine": lambda: Toolchain(nginx(), {}),
    "node:24-alpine": toolchains.debian_with_node,
    "node:24-slim": toolchains.debian_with_node,
    "python:3.13": lambda: Toolchain(PYTHON, {}),
    "rust:1-slim": toolchains.debian_with_rust,
}


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


@pytest.fixture
def state_folder(stack: dict[str, str]) -> Path:
    """The folder of the stack, which keeps what was downloaded."""
    return Path(stack["PYLLB_STATE"])


def nginx() -> State:
    return Image("busybox").mkdir("/etc/nginx/conf.d", parents=True).cmd(["nginx"])


def images_of(text: str) -> tuple[dict[str, State], dict[str, Path]]:
    """Find the images that a build names; return them and their local directories."""
    named = {
        name: make()
        for name, make in IMAGES.items()
        if re.search(rf"{re.escape(name)}(?![\w.-])", text)
    }
    folders: dict[str, Path] = {}
    for toolchain in named.values():
        folders |= toolchain.folders
    return {name: toolchain.state for name, toolchain in named.items()}, folders


def build(
    client: Client,
    name: str | Path,
    *exports: Any,
    file: str = "build.py",
    contexts: Mapping[str, State] | None = None,
    local_dirs: Mapping[str, Path] | None = None,
    **options: Any,
) -> None:
    """Build an example, or a copy of one."""
    folder = BUILDS / name
    images, folders = images_of((folder / file).read_text())
    client.build_image(
        folder,
        file=folder / file,
        contexts={**images, **(contexts or {})},
        local_dirs={**folders, **(local_dirs or {})},
        outputs=exports,
        **options,
    )


def copy_example(name: str, folder: Path) -> Path:
    """Copy an example to a folder, to change it."""
    for path in (BUILDS / name).rglob("*"):
        if path.is_file() and not {"__pycache__", ".venv"} & set(path.parts):
            copy = folder / path.relative_to(BUILDS / name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return folder


@frozen
class BuiltImage:
    """The image of an example, as the daemon has it: its files, its config, and its processes."""

    gateway: Gateway
    ref: Ref
    config: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        """The command of the image."""
        return [*(self.config.get("Entrypoint") or ()), *(self.config.get("Cmd") or ())]

    def run(self, *command: str, check: bool = True, **options: Any) -> Completed:
        """Run a command, by default that of the image, in a container of its own."""
        with self.gateway.new_container(self.ref) as container:
            args = list(command) or self.command
            return container.run(args, check=check, timeout=PATIENCE, **self.settings(**options))

    @contextmanager
    def running(self, *command: str, **options: Any) -> Iterator[Process]:
        """Run a command, by default that of the image, until the end of the block."""
        with (
            self.gateway.new_container(self.ref) as container,
            container.start(list(command) or self.command, **self.settings(**options)) as process,
        ):
            yield process

    def settings(self, env: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """Get the settings of processes from the config of the image, as engines do."""
        variables = dict(pair.split("=", 1) for pair in self.config.get("Env") or ())
        config = {
            "env": {**variables, **(env or {})},
            "user": self.config.get("User", ""),
            "workdir": self.config.get("WorkingDir") or "/",
        }
        return {**config, **options}

    def read_text(self, path: str) -> str:
        return self.gateway.read_file(self.ref, path).decode()

    def names(self, path: str) -> list[str]:
        """List a directory."""
        return [entry.path for entry in self.gateway.read_dir(self.ref, path)]


def check_image(
    client: Client,
    name: str | Path,
    check: Callable[[BuiltImage], None],
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    contexts: Mapping[str, State] | None = None,
    local_dirs: Mapping[str, Path] | None = None,
    **options: Any,
) -> None:
    """Build an example, and check its image while the daemon has it."""
    folder = BUILDS / name
    images, folders = images_of((folder / "build.py").read_text())
    images |= contexts or {}
    attrs = {"filename": "build.py", **({"target": target} if target else {})}
    attrs |= {f"build-arg:{key}": value for key, value in (build_args or {}).items()}
    attrs |= {f"context:{key}": f"input:{key}" for key in images}
    errors: list[BaseException] = []

    def function(request: Request, gateway: Gateway) -> Result:
        result = build_in_process(request, gateway)
        assert result.ref is not None
        image = json.loads(result.metadata["containerimage.config"])
        try:
            check(BuiltImage(gateway, result.ref, image["config"]))
        except BaseException as error:
            errors.append(error)
            raise
        return result

    try:
        client.build(
            function,
            frontend_attrs=attrs,
            frontend_inputs=images,
            local_dirs={"context": folder, "dockerfile": folder, **folders, **(local_dirs or {})},
            **options,
        )
    except Exception:
        if errors:
            raise errors[0] from None
        raise
