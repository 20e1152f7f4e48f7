"""Run a command line with buildx, or with llb in its place."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from tests.e2e.command_lines.outcome import Observer, Outcome
from tests.e2e.command_lines.project import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.e2e.command_lines.page import Line

_SECONDS = 300
# Buildx has one exit status for both.
_FAILURE, _USAGE_ERROR = 1, 2
_DOCKER = 'docker() { shift; "${PROGRAM[@]}" "$@"; }\n'
_PROVENANCE = "Provenance and SBOM"
_SHARED = ("base", "scanner")
_REPOSITORY = re.compile(r"registry\.example/([a-z]+)")
_MANIFESTS = ", ".join(
    f"application/vnd.{name}"
    for name in (
        "oci.image.index.v1+json",
        "oci.image.manifest.v1+json",
        "docker.distribution.manifest.list.v2+json",
        "docker.distribution.manifest.v2+json",
    )
)


@frozen
class Place:
    """Where the lines run: the project, the servers, and the environment of both programs.

    The names of all repositories of this run begin with ``repositories``.
    """

    project: Path
    registry: str
    repositories: str
    server: str
    environment: Mapping[str, str]

    @classmethod
    def create(cls, folder: Path, registry: str, repositories: str, server: str) -> Place:
        """Choose an environment that nothing of this machine's users affects."""
        home = folder / "home"
        home.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DOCKER_CONFIG": str(home / "docker"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "SOURCE_DATE_EPOCH": str(EPOCH),
        }
        return cls(folder / "project", registry, repositories, server, environment)


def run_line(line: Line, buildx: str | None, place: Place, folder: Path) -> Outcome:
    """Run a line in a copy of the project below a folder, with buildx or else with llb."""
    is_ours = buildx is None
    name = "llb" if is_ours else "buildx"
    copy = folder / name
    shutil.copytree(place.project, copy, symlinks=True)
    own = f"{place.registry}/{place.repositories}/{line.number}-{name}"
    words = f'"{sys.executable}" -m llb' if is_ours else f'"{buildx}"'
    environment = dict(place.environment)
    if line.section != _PROVENANCE:
        environment["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
    process = subprocess.run(
        ["bash", "-c", f"PROGRAM=({words})\n{_DOCKER}{_located(line, place, own)}"],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )

    def rename(text: str) -> str:
        for old, new in (
            (own, "registry.example"),
            (str(copy), "."),
            (place.server, "https://example.com"),
        ):
            text = text.replace(old, new)
        return re.sub(r"\b([0-9a-f]{32}|[0-9a-z]{25})(?=\"|$)", "(ref)", text)

    observer = Observer(rename)
    before = {path.name: None for path in place.project.iterdir()}
    return observer.observe(
        Outcome(
            _FAILURE if is_ours and process.returncode == _USAGE_ERROR else process.returncode,
            observer.content(process.stdout),
            observer.files_below(copy, before),
            dict(_pushed(line, own, observer)),
            process.stderr.decode(errors="replace"),
        )
    )


def _located(line: Line, place: Place, own: str) -> str:
    """Replace the hosts of the page by servers of this machine."""
    text = line.text
    for name in _SHARED:
        shared = f"{place.registry}/{place.repositories}/{name}"
        text = re.sub(rf"registry\.example/{name}\b", shared, text)
    return text.replace("registry.example", own).replace("https://example.com", place.server)


def _pushed(line: Line, own: str, observer: Observer) -> Iterator[tuple[str, object]]:
    """Describe the images that are in the repositories that the line names."""
    host, _, prefix = own.partition("/")
    for repository in sorted({*_REPOSITORY.findall(line.text)} - {*_SHARED}):
        url = f"http://{host}/v2/{prefix}/{repository}"
        tags = _get(f"{url}/tags/list")
        for tag in json.loads(tags)["tags"] or () if tags is not None else ():
            read = partial(_blob, url)
            yield f"{repository}:{tag}", observer.pushed(read, tag)


def _blob(url: str, digest: str) -> bytes:
    data = _get(f"{url}/manifests/{digest}")
    data = _get(f"{url}/blobs/{digest}") if data is None else data
    assert data is not None, f"{url} has no {digest}"
    return data


def _get(url: str) -> bytes | None:
    request = urllib.request.Request(url, headers={"Accept": _MANIFESTS})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            data: bytes = answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return None
    else:
        return data
