"""List the public names of the package: ``python -m tests.public_surface > LISTING``.

A name is public if it is in the ``__all__`` of one of these modules. The listing has the
signature of each name, and for a class its public methods and attributes.
"""

from __future__ import annotations

import inspect
import re
import sys
from enum import EnumType
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (
    "llb",
    "llb.bake",
    "llb.buildfile",
    "llb.buildfile.instructions",
    "llb.client",
    "llb.client.docker_py",
    "llb.client.imagetools",
    "llb.compare",
    "llb.dockerfile",
    "llb.dockerfile.to_dockerfile",
    "llb.dockerfile.to_python",
    "llb.dump",
    "llb.frontend",
    "llb.frontend.kit",
    "llb.gateway",
    "llb.grpc",
    "llb.grpcio",
    "llb.recipes",
    "llb.testing",
)
LISTING = Path(__file__).parent / "golden" / "public_surface.txt"


def listing() -> str:
    """Build the listing."""
    lines: list[str] = []
    for name in MODULES:
        module = import_module(name)
        lines.append(name)
        for public in sorted(module.__all__):
            lines += (f"    {line}" for line in _describe(public, getattr(module, public)))
    return "\n".join(lines) + "\n"


def _describe(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}{_signature(value)}"
        for member in sorted(vars(value)):
            if not member.startswith("_"):
                yield from (f"    {line}" for line in _member(member, vars(value)[member]))
    elif callable(value):
        yield f"{name}{_signature(value)}"
    elif inspect.ismodule(value):
        yield f"module {name}"
        for public in sorted(_functions(value)):
            yield f"    {public}{_signature(getattr(value, public))}"
    else:
        yield name


def _functions(module: object) -> Iterator[str]:
    """Yield the names of the public functions that a module defines."""
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == getattr(module, "__name__", "")
        if own and inspect.isfunction(value) and not name.startswith("_"):
            yield name


def _member(name: str, value: object) -> Iterator[str]:
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if inspect.isfunction(value):
        yield f"{name}{_signature(value)}"
    else:
        yield name


def _signature(value: object) -> str:
    # Versions of Python show different ones for enumerations and aliases, which nobody calls.
    if isinstance(value, EnumType) or not (isinstance(value, type) or inspect.isroutine(value)):
        return ""
    try:
        text = str(inspect.signature(value))
    except ValueError:
        return ""
    # Addresses of objects change with every run.
    return re.sub(r" at 0x[0-9a-f]+", "", text)


if __name__ == "__main__":
    sys.stdout.write(listing())
