"""BuildKit's own tests of its Dockerfile frontend, run against frontend images of anybody.

The tests are compiled from the Go module of the BuildKit that the stack runs. They start a
daemon for every case and find images in a registry of their own, which is filled before.
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
# Images that the tests name and cannot do without, though their content does not matter here.
STUBS = (("amd64/debian", "bullseye-20230109-slim"), ("tonistiigi/hellofs", "latest"))
# Tests that ask for something other than a build, which they ask BuildKit's own frontend for.
REQUESTS = ("check", "outline", "targets", "client")
# A connection of such a test that asks the image instead; Go code, compiled into the tests.
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
# A library in what ldd prints.
_LIBRARY = re.compile(r"(?:=> |^\s*)(/\S+) \(", re.MULTILINE)
_CLIENT = "c gateway.Client) (*gateway.Result, error) {"
_VARIANT = re.compile(r"TestIntegration/[^/]+(/(?!warntype)[a-z.]+=[^/#]+)+\Z")
_RESULT = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)


def run(settings: Settings, frontend: Path, selection: str | None, log: Path) -> dict[str, str]:
    """Run the tests with the frontend image in an OCI archive; return each one's result.

    `selection` is a regular expression of names. None stands for the tests of requests, with
    the image asked instead of BuildKit's own frontend. What the tests print goes to `log`.
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
    found = _RESULT.findall(log.read_text(errors="replace"))
    leaves = {name: result for result, name in found if "/worker=" in name}
    if not leaves:
        raise StackError(f"no test ran; {log} says why")
    return leaves


def _module() -> Path:
    done = subprocess.run(
        ["go", "list", "-m", "-json", binaries.MODULE],
        cwd=TOOLS,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{program_path()}{os.pathsep}/usr/local/go/bin"},
    )
    return Path(json.loads(done.stdout)["Dir"])


def _compile(settings: Settings, module: Path, *, routed: bool) -> Path:
    name = f"requests-{_version()}.test" if routed else "dockerfile.test"
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
    """Return the names of the tests that ask for something other than a build."""
    texts = "".join(path.read_text() for path in _request_files(module))
    return re.findall(r"^func t(est\w+)\(t \*testing.T, sb", texts, re.MULTILINE)


def _route(module: Path) -> None:
    """Change the tests of requests to ask over another connection."""
    (module / PACKAGE / "routed_test.go").write_text(_ROUTED)
    for path in _request_files(module):
        text = path.read_text().replace("(*clientFrontend)", "(*gatewayFrontend)")
        wrapped = f"{_CLIENT}\n\t\tc = routed{{c, getFrontend(t, sb)}}"
        path.write_text(text.replace(_CLIENT, wrapped))


def _version() -> str:
    """Return what tells this recipe from others."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def _copy(source: str, target: str) -> None:
    """Copy a file without its mode; Go's cache of modules cannot be written to."""
    shutil.copyfile(source, target)


def variants(results: Mapping[str, str]) -> dict[str, str]:
    """Return the results of whole tests, one for each setting that BuildKit runs them in."""
    return {name: found for name, found in results.items() if _VARIANT.match(name)}


def _registry(folder: Path) -> Path:
    """Return a folder with Debian's registry under the name that the tests call it by."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    found = shutil.which("docker-registry", path=program_path())
    if found is None:
        raise StackError("there is no docker-registry; dev/stack up installs it")
    link = programs / "registry"
    link.unlink(missing_ok=True)
    link.symlink_to(found)
    return programs


def _mirror(settings: Settings) -> Path:
    """Return the data of a registry that has the images of the tests."""
    mirror = settings.folder("suite") / "mirror"
    recipes = {each.repository: each for each in images.recipes(settings)}
    wanted = [recipes[f"library/{name}"] for name in ("busybox", "alpine")]
    here = _version()
    fingerprint = here + "".join(recipe.fingerprint for recipe in wanted)
    marker = mirror / "images"
    if marker.exists() and marker.read_text() == fingerprint:
        return mirror
    shutil.rmtree(mirror, ignore_errors=True)
    mirror.mkdir()
    with _serving(mirror / "data") as registry, tempfile.TemporaryDirectory() as scratch:
        for recipe in wanted:
            root = Path(scratch, recipe.repository.replace("/", "-"))
            root.mkdir()
            recipe.fill(root)
            if recipe is wanted[1]:
                _add_git(root)
            layer = oci.layer_from_tree(root, root.with_suffix(".tar.gz"))
            image = oci.image(layer, recipe.created_by, recipe.config)
            for tag in recipe.tags:
                push.push(registry, recipe.repository, tag, image)
            if recipe is wanted[0]:
                for repository, tag in STUBS:
                    push.push(registry, repository, tag, image)
    marker.write_text(fingerprint)
    return mirror


def _add_git(root: Path) -> None:
    """Give an image the git of this machine, and an `apk add git` that finds it there."""
    git = shutil.which("git", path=program_path())
    if git is None:
        raise StackError("there is no git; dev/stack up installs it")
    done = subprocess.run(["ldd", git], check=True, capture_output=True, text=True)
    for path in map(Path, [git, *_LIBRARY.findall(done.stdout)]):
        target = root / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), target)
    apk = root / "sbin" / "apk"
    apk.unlink(missing_ok=True)
    apk.write_text('#!/bin/sh\n[ "$*" = "add git" ]\n')
    apk.chmod(0o755)


@contextmanager
def _serving(data: Path) -> Iterator[str]:
    """Run a registry on this data meanwhile; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = data.with_suffix(".json")
    storage = {"filesystem": {"rootdirectory": str(data)}}
    text = {"version": "0.1", "storage": storage, "http": {"addr": address}}
    config.write_text(json.dumps(text))
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
                    raise StackError("the registry of the tests does not start") from None
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()
