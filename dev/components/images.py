"""Build and push the base images that are missing from the registry.

They replace the Docker Hub images of the same names if Docker Hub is not reachable.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from components import binaries, debian, oci, push

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.settings import Settings

ROOTFS = Path(__file__).resolve().parent.parent / "rootfs"
BUSYBOX = Path("/bin/busybox")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FRONTEND_CAPS = ("inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd")


@dataclass(frozen=True)
class Recipe:
    """The recipe of an image; `fill` writes its files to an empty folder."""

    repository: str
    tags: tuple[str, ...]
    created_by: str
    config: Mapping[str, object]
    fill: Callable[[Path], None]
    inputs: tuple[Path, ...] = field(default=())

    @property
    def fingerprint(self) -> str:
        """A hash of the recipe's sources and the files it copies from this machine."""
        total = hashlib.sha256(json.dumps([self.created_by, self.config]).encode())
        here = Path(__file__).parent
        sources = [here / name for name in ("images.py", "debian.py", "oci.py")]
        for path in (*sources, *_files(self.inputs)):
            total.update(path.name.encode() + path.read_bytes())
        return total.hexdigest()


def recipes(settings: Settings) -> tuple[Recipe, ...]:
    """List the images of the stack; BuildKit's own frontend is one only if it was built."""
    stock = binaries.folder(settings) / "dockerfile-frontend"
    return (
        Recipe(
            repository="library/busybox",
            tags=("latest", "stable-musl"),
            created_by="ADD busybox.tar.gz / # buildkit",
            config={"Env": [PATH], "Cmd": ["sh"]},
            fill=_fill_busybox,
            inputs=(BUSYBOX, ROOTFS / "shared", ROOTFS / "busybox"),
        ),
        Recipe(
            repository="library/alpine",
            tags=("latest",),
            created_by="ADD alpine-minirootfs.tar.gz / # buildkit",
            config={"Env": [PATH], "Cmd": ["/bin/sh"], "WorkingDir": "/"},
            fill=_fill_alpine,
            inputs=(BUSYBOX, ROOTFS / "shared", ROOTFS / "alpine"),
        ),
        Recipe(
            repository="library/python",
            tags=("3.13-slim",),
            created_by="ADD rootfs.tar.gz / # debootstrap",
            config={"Env": [PATH, "LANG=C.UTF-8"], "Cmd": ["python3"], "WorkingDir": "/"},
            fill=lambda root: debian.fill_python(root, debian.mirror(settings)),
        ),
        *([_stock_frontend(stock)] if stock.exists() else []),
    )


def provide(settings: Settings) -> None:
    """Build and push the images that are missing or come from another recipe."""
    for recipe in recipes(settings):
        _provide(recipe, settings)


def _stock_frontend(program: Path) -> Recipe:
    return Recipe(
        repository="docker/dockerfile",
        tags=("1", "latest"),
        created_by="COPY dockerfile-frontend /bin/ # buildkit",
        config={
            "Env": [PATH],
            "Entrypoint": ["/bin/dockerfile-frontend"],
            "Labels": {
                "moby.buildkit.frontend.caps": ",".join(
                    f"moby.buildkit.frontend.{name}" for name in FRONTEND_CAPS
                ),
                "moby.buildkit.frontend.network.none": "true",
            },
        },
        fill=lambda root: _install(program, root / "bin"),
        inputs=(program,),
    )


def _provide(recipe: Recipe, settings: Settings) -> None:
    marker = settings.folder("images") / f"{recipe.repository.replace('/', '-')}.json"
    record = json.loads(marker.read_text()) if marker.exists() else {}
    pushed = {push.digest_of(settings.registry, recipe.repository, tag) for tag in recipe.tags}
    if record.get("recipe") == recipe.fingerprint and pushed == {record["digest"]}:
        return
    print(f"building the image {recipe.repository}:{recipe.tags[0]}", flush=True)
    with tempfile.TemporaryDirectory(dir=settings.folder("images")) as scratch:
        root = Path(scratch, "root")
        root.mkdir()
        recipe.fill(root)
        layer = oci.layer_from_tree(root, Path(scratch, "layer.tar.gz"))
        image = oci.image(layer, recipe.created_by, recipe.config)
        for tag in recipe.tags:
            push.push(settings.registry, recipe.repository, tag, image)
    marker.write_text(json.dumps({"recipe": recipe.fingerprint, "digest": image.digest}))


def _fill_busybox(root: Path) -> None:
    _overlay(root, "shared", "busybox")
    _install(BUSYBOX, root / "bin")
    for applet in _applets():
        # As in the real image, all are hard links in /bin.
        link = root / "bin" / Path(applet).name
        if link.name != "busybox":
            os.link(root / "bin" / "busybox", link)
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "env").symlink_to("../../bin/env")


def _fill_alpine(root: Path) -> None:
    _overlay(root, "shared", "alpine")
    _install(BUSYBOX, root / "bin")
    for applet in _applets():
        link = root / applet
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.name != "busybox":
            link.symlink_to("/bin/busybox")


def _overlay(root: Path, *names: str) -> None:
    """Copy the folders `names` of dev/rootfs and create the standard folders, with their modes."""
    for name in names:
        shutil.copytree(ROOTFS / name, root, dirs_exist_ok=True)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (root / "etc" / "shadow").chmod(0o640)
    for folder in ("dev", "home", "proc", "sys", "var/spool/mail", "var/www"):
        (root / folder).mkdir(parents=True)
    (root / "root").mkdir(mode=0o700)
    for folder in ("tmp", "var/tmp"):
        (root / folder).mkdir()
        (root / folder).chmod(0o1777)


def _install(program: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.copyfile(program, folder / program.name)
    (folder / program.name).chmod(0o755)


def _applets() -> list[str]:
    listing = [str(BUSYBOX), "--list-full"]
    process = subprocess.run(listing, check=True, capture_output=True, text=True)
    return process.stdout.splitlines()


def _files(paths: tuple[Path, ...]) -> list[Path]:
    """List the files among `paths`, and the files in the folders among them."""
    trees = [sorted(path.rglob("*")) if path.is_dir() else [path] for path in paths]
    return [path for tree in trees for path in tree if path.is_file()]
