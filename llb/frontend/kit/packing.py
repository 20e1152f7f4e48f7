"""A frontend's program as an image, with Python and this package.

It is made of this installation, so that it runs with what it was tried with. Nothing is fetched
but the base.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Image, Local, State
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from llb import ImageResolver, Platform

BASE = "python:3.13-slim"
"""The image that a frontend stands on, where nothing else is said."""

PACKAGES = "/opt/pyllb"
"""Where the packages are in the image."""

_PROGRAM = "/opt/frontend"
# What a frontend imports; of this package without what is for clients.
_NEEDED = (
    "attr",
    "attrs",
    "google._upb",
    "google.protobuf",
    "google.rpc",
    "hpack",
    "llb",
)
_NOT_NEEDED = ("llb/cli", "llb/client", "llb/frontend/kit", "llb/testing")
_CACHES = ("**/__pycache__", "**/.git", "**/.venv")
_CAPS = ("inputs", "subrequests", "contexts", "gitquerystring")
# Nothing is as young as the build, so that the image is the same whenever it is made.
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


@frozen
class Packed:
    """The image of a frontend: its tree with its config, and the directories that it is made of."""

    state: State
    local_dirs: Mapping[str, Path] = field(factory=dict)


def pack(
    program: str | PathLike[str],
    *,
    resolver: ImageResolver,
    base: str | None = None,
    on: str | None = None,
    platform: Platform | str | None = None,
) -> Packed:
    """Return the image that runs a program, with what is beside it.

    ``resolver``, a client for one, finds the config of the image below: ``base`` has Python 3.11
    or later, and ``on`` is a frontend's image that has this package already. Raises InputError where there is no such program, or a package is not where it can be copied.
    """
    path = Path(program)
    if not path.is_file():
        raise InputError(f"there is no program {path}")
    local: dict[str, Path] = {"program": path.resolve().parent}
    state = Image(on or base or BASE, platform=platform, resolver=resolver)
    if on is None:
        for number, (folder, packages) in enumerate(_folders().items()):
            local[f"packages {number}"] = folder
            source = Local(
                f"packages {number}",
                include=packages,
                exclude=[*_CACHES, *_NOT_NEEDED],
                name=f"load {', '.join(packages)}",
                locations=(),
            )
            state = state.copy(
                source, PACKAGES, created=_EPOCH, create_dest_path=True, name="copy packages"
            )
    source = Local("program", exclude=_CACHES, name="load the program")
    state = state.copy(
        source, _PROGRAM, created=_EPOCH, create_dest_path=True, name="copy the program"
    )
    compiled = f"{_PROGRAM} {PACKAGES}" if on is None else _PROGRAM
    state = state.run(
        f"python3 -m compileall -q --invalidation-mode unchecked-hash {compiled}",
        name="compile the program",
        locations=(),
    )
    environment = {"PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    for key, value in environment.items():
        state = state.env(key, value)
    caps = ",".join(f"moby.buildkit.frontend.{each}" for each in _CAPS)
    state = state.label("moby.buildkit.frontend.network.none", "true")
    state = state.label("moby.buildkit.frontend.caps", caps)
    start = ["python3", "-S", "-m", "llb.gateway", f"{_PROGRAM}/{path.name}"]
    return Packed(state.entrypoint(start), local)


def _folders() -> dict[Path, list[str]]:
    """Return the folders that the packages are in, with their paths there. Raises InputError."""
    found: dict[Path, list[str]] = {}
    for name in _NEEDED:
        path = name.replace(".", "/")
        found.setdefault(_package(name).parents[path.count("/")], []).append(path)
    return found


def _package(name: str) -> Path:
    """Return where a package is. Raises InputError."""
    try:
        found = find_spec(name)
    except ModuleNotFoundError:
        found = None
    places = list(found.submodule_search_locations or ()) if found is not None else []
    if not places or not Path(places[0]).is_dir():
        raise InputError(
            f"the package {name} is not in a directory, from which it could be copied",
            hint="pack it on an image that has it: --on IMAGE",
        )
    return Path(places[0])
