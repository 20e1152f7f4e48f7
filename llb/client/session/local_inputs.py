"""Check that every local directory and OCI layout that a definition needs is given."""

from __future__ import annotations

import hashlib
from socket import gethostname
from typing import TYPE_CHECKING

from llb.buildkit_names import LOCAL_SCHEME, OCI_SCHEME
from llb.errors import Hint, InputError, did_you_mean
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from llb.definition.definition import Definition

# The number of characters that make the name of a directory unique.
_UNIQUE = 8


def local_names(definition: Definition) -> tuple[str, ...]:
    """List the local directories that a definition uses, by name."""
    identifiers = (
        str(vertex.op.get("identifier", ""))
        for vertex in definition.vertices()
        if vertex.kind == "source"
    )
    return tuple(
        dict.fromkeys(
            identifier.removeprefix(LOCAL_SCHEME)
            for identifier in identifiers
            if identifier.startswith(LOCAL_SCHEME)
        )
    )


def check_locals(definition: Definition, directories: Mapping[str, str | Path]) -> None:
    """Raise InputError for a local directory that the definition uses but is not given."""
    for name in local_names(definition):
        if name not in directories:
            raise unknown_directory(name, directories)


def check_layouts(definition: Definition, layouts: Mapping[str, str | Path]) -> None:
    """Raise InputError for an OCI layout that the definition uses but is not given."""
    for vertex in definition.vertices():
        identifier, attrs = str(vertex.op.get("identifier", "")), vertex.op.get("attrs", {})
        if vertex.kind != "source" or not identifier.startswith(OCI_SCHEME):
            continue
        name = attrs.get("oci.store", "") if isinstance(attrs, dict) else ""
        if name not in layouts:
            raise _unknown_layout(name, layouts)


def unknown_directory(name: str, directories: Mapping[str, object]) -> InputError:
    """Build the error for a local directory that is needed but not given."""
    listing = (
        f"those given are {', '.join(sorted(directories))}" if directories else "none is given"
    )
    return InputError(
        f"the build asks for the local directory {name!r}, and {listing}",
        hint=did_you_mean(name, directories)
        or Hint(f"pass local_dirs={{{name!r}: DIR}}", command=f"give it with --local {name}=DIR"),
    )


def shared_key(directories: Mapping[str, Path], always_read: Collection[str] = ()) -> str:
    """Compute the key for reusing uploads of these directories on this machine, empty without any.

    A daemon keeps uploaded files by name and key, and later receives only the changes. A different
    directory with the same name must therefore have a different key. A directory with a
    :func:`unique_name` does not change the key of the others, and neither do those that the build
    reads completely every time (``always_read``).
    """
    locations = sorted(
        f"{name}={paths.resolve(path)}"
        for name, path in directories.items()
        if name not in always_read and name != unique_name(_stem(name), path)
    )
    return _hash(*locations) if directories else ""


def unique_name(name: str, path: Path) -> str:
    """Extend the name of a local directory so that no other directory has the same name."""
    return f"{name}-{_hash(str(paths.resolve(path)))[:_UNIQUE]}"


def _stem(name: str) -> str:
    return name[: -_UNIQUE - 1]


def _hash(*locations: str) -> str:
    identity = "\0".join((gethostname(), *locations))
    return hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()


def _unknown_layout(name: str, layouts: Mapping[str, object]) -> InputError:
    """Build the error for an OCI layout that is needed but not given."""
    listing = f"those given are {', '.join(sorted(layouts))}" if layouts else "none is given"
    if not name:
        return InputError(
            "a source of the build does not name its OCI layout",
            hint="name it with OCILayout(…, store_id=NAME)",
        )
    return InputError(
        f"the build asks for the OCI layout {name!r}, and {listing}",
        hint=did_you_mean(name, layouts)
        or Hint(
            f"pass oci_layouts={{{name!r}: DIR}}", command=f"give it with --oci-layout {name}=DIR"
        ),
    )
