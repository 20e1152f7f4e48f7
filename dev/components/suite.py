"""Run BuildKit's own tests of its Dockerfile frontend against any frontend image.

The tests are compiled from the Go module of the stack's BuildKit. They start a daemon for every
case and pull images from a separate registry, which is filled before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components import binaries, images, oci, push
from components.settings import TOOLS, StackError, program_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.settings import Settings

PACKAGE = "frontend/dockerfile"
START_SECONDS = 60.0
# Images that the tests need, whatever their content.
STUBS = (("amd64/debian", "bullseye-20230109-slim"), ("tonistiigi/hellofs", "latest"))
# Tests of subrequests, which they send to BuildKit's own frontend.
REQUESTS = ("check", "outline", "targets", "client")
# A gateway client, compiled into such tests, that sends subrequests to the image instead.
_ROUTED = """\
package dockerfile

import (
	"context"

	"github.com/moby/buildkit/frontend/gateway/client"
)

type routed struct {
	client.Client
	to frontend
}

func (r routed) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	if req.Definition != nil {
		return r.Client.Solve(ctx, req)
	}
	return r.to.SolveGateway(ctx, r.Client, req)
}
"""
# A library in the output of ldd.
_LIBRARY = re.compile(r"(?:=> |^\s*)(/\S+) \(", re.MULTILINE)
_CLIENT = "c gateway.Client) (*gateway.Result, error) {"
_VARIANT = re.compile(r"TestIntegration/[^/]+(/(?!warntype)[a-z.]+=[^/#]+)+\Z")
_RESULT = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)


def run(settings: Settings, frontend: Path, selection: str | None, log: Path) -> dict[str, str]:
    """Run the tests with the frontend image in an OCI archive; return their results by name.

    `selection` is a regular expression of test names. None selects the tests of subrequests and
    sends those to the image instead of BuildKit's own frontend. The output goes to `log`.
    """
    programs = binaries.build(settings)
    module = _module()
    test = _compile(settings, module, routed=selection is None)
    if selection is None:
        names = "|".join(f"T{name}" for name in _request_tests(module))
        selection = f"TestIntegration/({names})$/worker=oci$"
    folder = settings.folder("suite")
    environment = os.environ | {
        "PATH": os.pathsep.join([str(_registry(folder)), str(programs), program_path()]),
        "BUILDKIT_REGISTRY_MIRROR_DIR": str(_mirror(settings)),
        "FRONTEND_GATEWAY_ONLY": f"local:{frontend.absolute()}",
    }
    command: list[str | Path] = [test, "-test.v", "-test.timeout=60m", f"-test.run={selection}"]
    with log.open("wb") as output:
        subprocess.run(
            command,
            check=False,
            cwd=module / PACKAGE,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    results = _RESULT.findall(log.read_text(errors="replace"))
    leaves = {name: result for result, name in results if "/worker=" in name}
    if not leaves:
        raise StackError(f"no test ran; see {log}")
    return leaves


def _module() -> Path:
    process = subprocess.run(
        ["go", "list", "-m", "-json", binaries.MODULE],
        cwd=TOOLS,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{program_path()}{os.pathsep}/usr/local/go/bin"},
    )
    return Path(json.loads(process.stdout)["Dir"])


def _compile(settings: Settings, module: Path, *, routed: bool) -> Path:
    name = f"requests-{_recipe_hash()}.test" if routed else "dockerfile.test"
    target = binaries.folder(settings) / name
    if target.exists():
        return target
    print("compiling BuildKit's tests", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "module")
        shutil.copytree(module, copy, copy_function=_copy)
        if routed:
            _route(copy)
        subprocess.run(
            ["go", "test", "-c", "-o", target, f"./{PACKAGE}"],
            cwd=copy,
            check=True,
            env=os.environ | {"PATH": f"{program_path()}{os.pathsep}/usr/local/go/bin"},
        )
    return target


def _request_files(module: Path) -> list[Path]:
    return [module / PACKAGE / f"dockerfile_{name}_test.go" for name in REQUESTS]


def _request_tests(module: Path) -> list[str]:
    """List the names of the tests of subrequests."""
    sources = "".join(path.read_text() for path in _request_files(module))
    return re.findall(r"^func t(est\w+)\(t \*testing.T, sb", sources, re.MULTILINE)


def _route(module: Path) -> None:
    """Patch the tests of subrequests to use the routed client."""
    (module / PACKAGE / "routed_test.go").write_text(_ROUTED)
    for path in _request_files(module):
        source = path.read_text().replace("(*clientFrontend)", "(*gatewayFrontend)")
        wrapped = f"{_CLIENT}\n\t\tc = routed{{c, getFrontend(t, sb)}}"
        path.write_text(source.replace(_CLIENT, wrapped))


def _recipe_hash() -> str:
    """Hash this file, so that a change of it rebuilds the tests and images."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def _copy(source: str, target: str) -> None:
    """Copy a file without its mode, since files in Go's module cache are read-only."""
    shutil.copyfile(source, target)


def variants(results: Mapping[str, str]) -> dict[str, str]:
    """Select the results of whole tests, one for each matrix variant of BuildKit."""
    return {name: result for name, result in results.items() if _VARIANT.match(name)}


def _registry(folder: Path) -> Path:
    """Link Debian's registry under the name that the tests use, and return its folder."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = shutil.which("docker-registry", path=program_path())
    if program is None:
        raise StackError("docker-registry is missing; dev/stack up installs it")
    link = programs / "registry"
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    return programs


def _mirror(settings: Settings) -> Path:
    """Fill the data folder of a registry with the images of the tests, and return it."""
    mirror = settings.folder("suite") / "mirror"
    recipes = {recipe.repository: recipe for recipe in images.recipes(settings)}
    busybox, alpine = (recipes[f"library/{name}"] for name in ("busybox", "alpine"))
    fingerprint = _recipe_hash() + busybox.fingerprint + alpine.fingerprint
    marker = mirror / "images"
    if marker.exists() and marker.read_text() == fingerprint:
        return mirror
    shutil.rmtree(mirror, ignore_errors=True)
    mirror.mkdir()
    with _serve_registry(mirror / "data") as registry, tempfile.TemporaryDirectory() as scratch:
        for recipe in (busybox, alpine):
            root = Path(scratch, recipe.repository.replace("/", "-"))
            root.mkdir()
            recipe.fill(root)
            if recipe is alpine:
                _add_git(root)
            layer = oci.layer_from_tree(root, root.with_suffix(".tar.gz"))
            image = oci.image(layer, recipe.created_by, recipe.config)
            for tag in recipe.tags:
                push.push(registry, recipe.repository, tag, image)
            if recipe is busybox:
                for repository, tag in STUBS:
                    push.push(registry, repository, tag, image)
    marker.write_text(fingerprint)
    return mirror


def _add_git(root: Path) -> None:
    """Copy this machine's git into an image, with an `apk add git` that succeeds."""
    git = shutil.which("git", path=program_path())
    if git is None:
        raise StackError("git is missing; dev/stack up installs it")
    process = subprocess.run(["ldd", git], check=True, capture_output=True, text=True)
    for path in map(Path, [git, *_LIBRARY.findall(process.stdout)]):
        target = root / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), target)
    apk = root / "sbin" / "apk"
    apk.unlink(missing_ok=True)
    apk.write_text('#!/bin/sh\n[ "$*" = "add git" ]\n')
    apk.chmod(0o755)


@contextmanager
def _serve_registry(data: Path) -> Iterator[str]:
    """Run a registry on the data; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = data.with_suffix(".json")
    storage = {"filesystem": {"rootdirectory": str(data)}}
    settings = {"version": "0.1", "storage": storage, "http": {"addr": address}}
    config.write_text(json.dumps(settings))
    process = subprocess.Popen(
        ["docker-registry", "serve", config],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PATH": program_path()},
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        host, _, port = address.partition(":")
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise StackError("the registry of the tests did not start") from None
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()
