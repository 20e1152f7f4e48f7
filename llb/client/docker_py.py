"""docker-py's ``images.build``, with BuildKit.

docker-py builds with Docker's old builder, which has no ``RUN --mount``, secrets or cache exports.
:func:`build` takes the same arguments and has the same result, so a program changes one call::

    image, log = client.images.build(path=".", tag="app")       # docker-py
    image, log = llb.client.docker_py.build(path=".", tag="app")

It builds in the Docker that ``docker.from_env()`` finds, and needs docker-py (``pip install
'pyllb[docker-py]'``). New programs use :func:`llb.client.build_image`, which has all options of
BuildKit.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.arguments.conversions import to_size
from llb.client.client import Client
from llb.client.image_build import values
from llb.client.image_build.contexts import is_url
from llb.client.progress.plain import PlainDisplay
from llb.errors import InputError, InvalidValueError, SolveError

with lazy_imports(__name__):
    import docker  # 79 ms
    import docker.errors as docker_errors  # 95 ms

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import IO

    from llb.client.image_build.dockerfile import Network
    from llb.client.image_build.options import BuildContext, ImageBuildOptions
    from llb.client.image_build.result import ImageResult

__all__ = ["build"]

# DOCKER_HOST or the default socket, as in docker.from_env(), and no Docker context.
_ADDRESS = "docker://default"
_SHORT_ID = 12
_NETWORKS: Mapping[str, Network] = {
    "bridge": "default",
    "default": "default",
    "none": "none",
    "host": "host",
}


@checked
def build(
    *,
    path: str | os.PathLike[str] | None = None,
    fileobj: IO[bytes] | IO[str] | None = None,
    custom_context: bool = False,
    encoding: str | None = None,
    dockerfile: str | None = None,
    tag: str | None = None,
    buildargs: Mapping[str, str | None] | None = None,
    target: str | None = None,
    labels: Mapping[str, str] | None = None,
    platform: str | None = None,
    cache_from: Sequence[str] | None = None,
    nocache: bool = False,
    pull: bool = False,
    rm: bool = False,  # noqa: ARG001 - see the docstring
    forcerm: bool = False,  # noqa: ARG001
    quiet: bool = False,
    timeout: float | None = None,
    network_mode: str | None = None,
    extra_hosts: Mapping[str, str] | Iterable[str] | None = None,
    shmsize: int | str | None = None,
    container_limits: Mapping[str, Any] | None = None,
    squash: bool = False,
    isolation: str | None = None,
    gzip: bool = False,
) -> tuple[Any, Iterator[dict[str, Any]]]:
    """Build an image in Docker as docker-py's ``images.build`` does, with BuildKit.

    The result is docker-py's ``Image``, and an iterator of dictionaries: ``{"stream": "…"}`` for
    the lines of the build, and ``{"aux": {"ID": "sha256:…"}}`` for the image.

    - ``path`` is a directory or a URL. ``fileobj`` is an open Dockerfile, or with
      ``custom_context`` an open tar archive, whose compression is recognized.
    - ``dockerfile`` is a path in the context, or an absolute path.
    - ``buildargs`` without a value (None) are left out. ``timeout`` is for the whole build.
    - ``encoding``, ``gzip``, ``rm`` and ``forcerm`` change nothing: BuildKit recognizes
      compression, sends only the files that have changed, and leaves no containers behind.

    Raises docker-py's ``BuildError`` with the log if a step fails, TypeError without ``path`` and
    ``fileobj``, InvalidValueError for ``container_limits``, ``squash`` and ``isolation``, which
    BuildKit does not have, InputError without docker-py, and the errors of
    :meth:`llb.client.Client.build_image`.
    """
    _refuse(container_limits=container_limits, squash=squash, isolation=isolation)
    if gzip and encoding is not None:
        raise InvalidValueError("gzip conflicts with encoding: expected one of them")
    _require_docker()
    context, options = _context(path, fileobj, dockerfile, custom_context=custom_context)
    options |= {
        "tags": None if tag is None else values.to_string(tag, "tag"),
        "build_args": _build_args(buildargs),
        "target": target,
        "labels": labels,
        "platforms": None if platform is None else values.to_string(platform, "platform"),
        "cache_from": values.strings(cache_from, "cache_from"),
        "no_cache": nocache,
        "pull": pull,
        "timeout": timeout,
        "network": _network(network_mode),
        "extra_hosts": extra_hosts,
        "shm_size": None if shmsize is None else to_size(shmsize, "shmsize"),
    }
    output = io.StringIO()
    try:
        with Client(_ADDRESS) as client, PlainDisplay(output) as display:
            options["on_event"] = display
            result = client.build_image(context, **options)
    except SolveError as error:
        failure = {"error": str(error), "errorDetail": {"message": str(error)}}
        log = [*_lines(output), failure]
        raise docker_errors.BuildError(str(error), iter(log)) from error
    image = docker.from_env().images.get(result.digest)
    log = [] if quiet else _lines(output)
    return image, iter([*log, *_end(result, image.id, quiet=quiet)])


def _refuse(**values: object) -> None:
    """Raise InvalidValueError for an argument that BuildKit has no counterpart of."""
    for name, value in values.items():
        if value and value != "default":
            raise InvalidValueError(
                f"invalid {name} {value!r}: BuildKit does not have it",
                hint="only Docker's old builder does; leave it out",
            )


def _require_docker() -> None:
    """Raise InputError if docker-py is not installed."""
    try:
        _ = docker.from_env
    except ImportError as error:
        raise InputError(
            "docker-py is not installed", hint="pip install 'pyllb[docker-py]'"
        ) from error


def _context(
    path: str | os.PathLike[str] | None,
    fileobj: IO[bytes] | IO[str] | None,
    dockerfile: str | None,
    *,
    custom_context: bool,
) -> tuple[BuildContext, ImageBuildOptions]:
    """Choose the context and the Dockerfile. Raises TypeError if there is none, as docker-py."""
    if custom_context:
        if fileobj is None:
            raise TypeError("custom_context needs fileobj")
        return fileobj, {"file": dockerfile}  # type: ignore[return-value]
    if fileobj is not None:
        return {}, {"dockerfile_inline": fileobj.read()}
    if path is None:
        raise TypeError("build() needs path or fileobj")
    if is_url(path) or dockerfile is None:
        return path, {"file": dockerfile}
    return path, {"file": Path(path, dockerfile)}


def _build_args(buildargs: Mapping[str, str | None] | None) -> dict[str, str]:
    """Leave out build arguments without a value."""
    return {name: value for name, value in (buildargs or {}).items() if value is not None}


def _network(mode: str | None) -> Network | None:
    """Convert a network mode of Docker. Raises InvalidValueError."""
    if mode is None:
        return None
    return _NETWORKS[values.to_choice(mode, "network_mode", _NETWORKS)]


def _lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [{"stream": line} for line in output.getvalue().splitlines(keepends=True)]


def _end(result: ImageResult, image_id: str, *, quiet: bool) -> list[dict[str, Any]]:
    """Create the last lines of the log, in which programs look for the image."""
    if quiet:
        return [{"stream": f"{image_id}\n"}]
    short = image_id.removeprefix("sha256:")[:_SHORT_ID]
    return [
        {"aux": {"ID": image_id}},
        {"stream": f"Successfully built {short}\n"},
        *({"stream": f"Successfully tagged {name}\n"} for name in result.names),
    ]
