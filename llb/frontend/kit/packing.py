"""Pack a frontend's program as an image, with Python and this package.

The packages are copied from this installation, so the image runs the versions that were tested.
Only the base image is fetched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Image, Local, State
from llb.arguments.checked import checked
from llb.errors import Hint, InputError
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from llb import ImageResolver, Platform

BASE = "python:3.13-slim"
"""The default base image of a frontend."""

PACKAGES = "/opt/pyllb"
"""The directory of the packages in the image."""

_PROGRAM = "/opt/frontend"
_COMPILE = "python3 -m compileall -q --invalidation-mode unchecked-hash"
# The packages that a frontend imports; the client parts of this one are left out below.
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
_CAPS = ("inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd")
# A fixed timestamp makes the image reproducible.
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


@frozen
class Packed:
    """The image of a frontend: its state, and the local directories that it is built from."""

    state: State
    local_dirs: Mapping[str, Path] = field(factory=dict)


@checked
def pack(
    program: str | PathLike[str],
    *,
    resolver: ImageResolver,
    base: str | None = None,
    on: str | None = None,
    platform: Platform | str | None = None,
) -> Packed:
    """Build the image that runs a program, with the files next to it.

    ``resolver``, for example a client, resolves the config of the base image: ``base`` has Python
    3.11 or later, and ``on`` is a frontend's image that already has this package. Raises
    InputError if the program is missing or a package cannot be copied.
    """
    path = Path(program)
    if not paths.is_file(path):
        raise InputError(f"no such program: {path}")
    local: dict[str, Path] = {"program": paths.resolve(path).parent}
    state = Image(on or base or BASE, platform=platform, resolver=resolver)
    if on is None:
        state = _copy_packages(state, local)
    source = Local("program", exclude=_CACHES, name="load the program")
    state = state.copy(
        source, _PROGRAM, created=_EPOCH, create_dest_path=True, name="copy the program"
    )
    compiled = f"{_PROGRAM} {PACKAGES}" if on is None else _PROGRAM
    state = state.run(f"{_COMPILE} {compiled}", name="compile the program", locations=())
    start = ["python3", "-S", "-m", "llb.gateway", f"{_PROGRAM}/{path.name}"]
    return Packed(_configure(state).entrypoint(start), local)


@checked
def pack_builtin(
    *,
    resolver: ImageResolver,
    base: str | None = None,
    platform: Platform | str | None = None,
) -> Packed:
    """Build the image of this package's own frontend, for build files and Dockerfiles.

    It needs only what is installed. The arguments and the errors are those of :func:`pack`.
    """
    local: dict[str, Path] = {}
    state = Image(base or BASE, platform=platform, resolver=resolver)
    # Images of Python have no compiled standard library: a third of every start.
    compiled = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"stdlib\"))')"
    state = _configure(state).run(
        f"{_COMPILE} -f {compiled}", name="compile the standard library", locations=()
    )
    state = _copy_packages(state, local)
    state = state.run(f"{_COMPILE} {PACKAGES}", name="compile the packages", locations=())
    program = "import sys; from llb.frontend import serve_dockerfile; sys.exit(serve_dockerfile())"
    return Packed(state.entrypoint(["python3", "-S", "-c", program]), local)


def _copy_packages(state: State, local: dict[str, Path]) -> State:
    """Copy the packages of this installation, and register their directories."""
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
    return state


def _configure(state: State) -> State:
    """Set the variables and labels of a frontend's image."""
    environment = {"PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    for key, value in environment.items():
        state = state.env(key, value)
    caps = ",".join(f"moby.buildkit.frontend.{cap}" for cap in _CAPS)
    state = state.label("moby.buildkit.frontend.network.none", "true")
    return state.label("moby.buildkit.frontend.caps", caps)


def _folders() -> dict[Path, list[str]]:
    """Group the packages by the folder that contains them. Raises InputError."""
    folders: dict[Path, list[str]] = {}
    for name in _NEEDED:
        path = name.replace(".", "/")
        folders.setdefault(_package(name).parents[path.count("/")], []).append(path)
    return folders


def _package(name: str) -> Path:
    """Locate the directory of a package. Raises InputError."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        spec = None
    directories = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not directories or not paths.is_dir(directories[0]):
        raise InputError(
            f"cannot copy the package {name}: it is not in a directory",
            hint=Hint(
                "pack on an image that has it: on=IMAGE",
                command="pack on an image that has it: --on IMAGE",
            ),
        )
    return Path(directories[0])
