"""The commands of dev/stack: up, down, trim, status, env, daemon, buildx and docker."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components import binaries, buildx, docker, images, packages, process, push, services
from components.settings import ENGINES, Settings, StackError, program_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DESCRIPTION = """\
Start and stop a BuildKit and an image registry, and provide base images.

It never touches a daemon that it did not start. All state is in one folder.
"""

# A run of all tests writes less than this: build cache, images and files of tests.
FREE_SPACE = 8_000_000_000

# Every flag has an environment variable for `make` and the tests.
OPTIONS = (
    ("--state", "PYLLB_STATE", "folder for all state [~/.cache/pyllb-dev]"),
    ("--buildkit-port", "PYLLB_BUILDKIT_PORT", "buildkitd's port on 127.0.0.1 [1234]"),
    ("--registry-port", "PYLLB_REGISTRY_PORT", "the registry's port on 127.0.0.1 [5000]"),
    ("--engine", "PYLLB_ENGINE", f"{', '.join(ENGINES)}; auto uses docker without Go [auto]"),
    ("--buildkit", "PYLLB_BUILDKIT", "BuildKit's version, such as v0.18.2 [that of dev/tools]"),
    (
        "--local-images",
        "PYLLB_LOCAL_IMAGES",
        "0: pull base images instead of building substitutes [1]",
    ),
    ("--debian-mirror", "PYLLB_DEBIAN_MIRROR", "mirror for debootstrap [apt's]"),
)


def main() -> int:
    """Run the command line and return the exit status."""
    arguments = _parser().parse_args()
    flags = {name: value for _, name, _ in OPTIONS if (value := getattr(arguments, name))}
    try:
        settings = Settings.from_environment(os.environ | flags)
        result: int = arguments.run(settings, arguments)
    except StackError as error:
        print(f"dev/stack: {error}", file=sys.stderr)
        return 1
    else:
        return result


def up(settings: Settings, _: argparse.Namespace) -> int:
    """Install, build, start and push everything that is missing."""
    _require_root()
    _require_space(settings)
    with _lock(settings):
        packages.install(packages.ALWAYS)
        _provide_engine(settings)
        process.up(services.registry(settings), settings)
        engine = services.engine(settings)
        for unused in {"buildkitd", "dockerd"} - {engine.name}:
            process.down(unused, settings)
        process.up(engine, settings)
        if settings.local_images:
            images.provide(settings)
    return _print_status(settings)


def down(settings: Settings, _: argparse.Namespace) -> int:
    """Stop all daemons; keep images and built programs."""
    with _lock(settings):
        for name in ("buildkitd", "dockerd", "registry"):
            if process.down(name, settings):
                print(f"stopped {name}")
    return 0


def trim(settings: Settings, _: argparse.Namespace) -> int:
    """Remove the build cache of a running buildkitd if it is large; nothing else does."""
    engine = services.engine(settings)
    if engine.name == "buildkitd" and process.pid(engine.name, settings) is not None:
        buildctl = binaries.folder(settings) / "buildctl"
        services.trim(buildctl, f"unix://{services.buildkit_socket(settings)}")
    return 0


def status(settings: Settings, _: argparse.Namespace) -> int:
    """Show what is running and where; exit status 1 if anything is not running."""
    return _print_status(settings)


def env(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the addresses of the running stack, as shell exports or JSON."""
    if not _is_running(settings):
        raise StackError("the stack is not running; start it with `make up`")
    variables = _variables(settings)
    if arguments.json:
        print(json.dumps(variables, indent=2))
        return 0
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    if "PYLLB_BUILDCTL" in variables:
        print(f'export PATH={shlex.quote(str(binaries.folder(settings)))}:"$PATH"')
    return 0


def daemon(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run another buildkitd in this process, with socket and state in one folder."""
    _require_root()
    binaries.build(settings)
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    addresses = [f"unix://{folder / 'buildkitd.sock'}"]
    if arguments.port is not None:
        addresses.append(f"tcp://127.0.0.1:{arguments.port}")
    config = folder / "buildkitd.toml"
    toml = services.buildkitd_config(
        settings,
        folder / "root",
        addresses,
        tls=arguments.tls,
        platforms=arguments.platform,
        containerd=arguments.containerd,
    )
    if arguments.config is not None:
        toml += arguments.config.read_text()
    config.write_text(toml)
    command = [str(binaries.buildkitd(settings)), "--config", str(config)]
    os.execve(command[0], command, os.environ | {"PATH": program_path()})


def print_buildx(settings: Settings, _: argparse.Namespace) -> int:
    """Print the path of docker buildx, after building it if necessary."""
    with _lock(settings):
        print(buildx.provide(settings))
    return 0


def print_docker(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the folder of a newer Docker Engine, after fetching or building it if necessary."""
    with _lock(settings):
        print(docker.provide(settings, arguments.suite))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev/stack",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for flag, name, description in OPTIONS:
        parser.add_argument(flag, dest=name, metavar="VALUE", help=f"{description} (${name})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (up, down, trim, status, env, daemon, print_buildx, print_docker):
        name = run.__name__.removeprefix("print_")
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        if run is env:
            command.add_argument("--json", action="store_true", help="print a JSON object")
        if run is print_docker:
            command.add_argument(
                "suite",
                metavar="SUITE",
                help="trixie has Docker 26.1, forky has Docker 28.5; source: build the newest one",
            )
        if run is daemon:
            command.add_argument(
                "folder", type=Path, help="folder for buildkitd.sock and its state"
            )
            command.add_argument("--port", type=int, help="loopback port to listen on in addition")
            command.add_argument(
                "--tls", type=Path, help="folder with ca.pem, cert.pem and key.pem for that port"
            )
            command.add_argument("--config", type=Path, help="file to append to its buildkitd.toml")
            command.add_argument(
                "--containerd", type=Path, help="socket of a containerd to use as worker"
            )
            command.add_argument(
                "--platform",
                action="append",
                help="platform of the worker; by default this machine's",
            )
    return parser


def _require_root() -> None:
    if os.geteuid():
        raise StackError("root is required to install packages and to run buildkitd with runc")


def _require_space(settings: Settings) -> None:
    free = shutil.disk_usage(settings.folder("run")).free
    if free < FREE_SPACE:
        raise StackError(
            f"{free / 1e9:.1f} GB of disk space are free for {settings.state}: expected "
            f"{FREE_SPACE / 1e9:.0f} GB; `dev/stack down`, then remove its folder buildkitd, the build cache"
        )


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    """Lock the state folder, so that only one `up` or `down` runs at a time."""
    with (settings.folder("run") / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _provide_engine(settings: Settings) -> None:
    """Build BuildKit, unless Docker Engine is selected or Go is not available."""
    if settings.engine == "docker":
        return
    try:
        binaries.build(settings)
    except binaries.NoToolchainError as error:
        if settings.engine == "buildkit" or settings.buildkit:
            raise
        print(f"{error}: falling back to Docker Engine, without buildctl", flush=True)


def _is_running(settings: Settings) -> bool:
    required = ("registry", services.engine(settings).name)
    return all(process.pid(name, settings) for name in required)


def _variables(settings: Settings) -> Mapping[str, str]:
    shared = {
        "PYLLB_STATE": str(settings.state),
        "PYLLB_REGISTRY": settings.registry,
        "PYLLB_REGISTRY_PORT": str(settings.registry_port),
    }
    if services.engine(settings).name == "dockerd":
        return shared | {"DOCKER_HOST": f"unix://{services.docker_socket(settings)}"}
    return shared | {
        "BUILDKIT_HOST": f"unix://{services.buildkit_socket(settings)}",
        "PYLLB_BUILDKIT_TCP": f"tcp://127.0.0.1:{settings.buildkit_port}",
        "PYLLB_BUILDKIT_VERSION": binaries.version(settings),
        "PYLLB_BUILDCTL": str(binaries.folder(settings) / "buildctl"),
    }


def _print_status(settings: Settings) -> int:
    engine = services.engine(settings).name
    running = _is_running(settings)
    addresses = {
        "registry": settings.registry,
        "buildkitd": f"unix://{services.buildkit_socket(settings)} 127.0.0.1:{settings.buildkit_port}",
        "dockerd": f"unix://{services.docker_socket(settings)} (no buildctl)",
    }
    lines = []
    for name in ("registry", engine):
        number = process.pid(name, settings)
        lines.append((name, f"pid {number}  {addresses[name]}" if number else "not running"))
    if running and settings.local_images:
        for recipe in images.recipes(settings):
            digest = push.digest_of(settings.registry, recipe.repository, recipe.tags[0])
            lines.append(("image", f"{recipe.repository}:{recipe.tags[0]}  {digest or 'missing'}"))
    lines.append(("state", str(settings.state)))
    print("\n".join(f"{name:9}  {value}" for name, value in lines))
    return 0 if running else 1
