"""Errors and warnings about base images whose config is not resolved."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from llb.buildkit_names import DOCKER_IMAGE_SCHEME
from llb.errors import BaseImageWarning, InvalidValueError
from llb.ops.base_images import BasePath, base_images

if TYPE_CHECKING:
    from llb.ops import nodes as ops
    from llb.ops.nodes import Process, SourceOp
    from llb.state.settings import Settings

_CONSEQUENCE = "its PATH, USER, WORKDIR, CMD and other settings are lost"
_WAYS_OUT = (
    "build the state with llb build or a Client, which resolve the image, or pass resolver= or "
    "inherit_config=False to Image()"
)
# Python shows a warning once for each line and text that it has recorded here.
_shown: dict[str | tuple[str, type[Warning], int], int] = {}


def known_cwd(process: Process) -> str:
    """Get the working directory. Raises InvalidValueError if a base image determines it."""
    if isinstance(process.cwd, BasePath):
        raise _unknown(process.cwd.base, "the working directory")
    return process.cwd


def known_variables(process: Process) -> tuple[tuple[str, str], ...]:
    """List the variables. Raises InvalidValueError if a base image adds some."""
    if process.base is not None:
        raise _unknown(process.base, "the environment")
    return process.env.items()


def known_variable(process: Process, key: str, default: str) -> str:
    """Look up a variable. Raises InvalidValueError if only a base image determines it."""
    if process.base is not None and not process.env.assigns(key):
        raise _unknown(process.base, f"the variable {key}")
    return dict(process.env.items()).get(key, default)


def warn_of_steps(root: ops.Output | None) -> None:
    """Warn of the images whose configs the steps below ``root`` would have inherited."""
    for base in () if root is None else base_images([root.op]):
        _warn(base)


def warn_of_config(settings: Settings) -> None:
    """Warn of an image whose config the image that is built from it would have inherited."""
    if settings.process.base is not None:
        _warn(settings.process.base)


def image_name(base: SourceOp) -> str:
    """Get the full reference of an image."""
    return base.identifier.removeprefix(DOCKER_IMAGE_SCHEME)


def _unknown(base: SourceOp, setting: str) -> InvalidValueError:
    return InvalidValueError(
        f"{setting} is not known before {image_name(base)} is resolved",
        hint="pass resolver= to Image(), for example a Client, or set it in the state",
    )


def _warn(base: SourceOp) -> None:
    message = f"the config of {image_name(base)} is not known, and {_CONSEQUENCE}; {_WAYS_OUT}"
    # The line of the image, if the user has not replaced it.
    warn_at(message, *(base.call_site[0] if base.call_site else (image_name(base), 1)))


def warn_at(message: str, path: str, line: int) -> None:
    """Show a BaseImageWarning for a line, once."""
    warnings.warn_explicit(message, BaseImageWarning, path, line, registry=_shown)
