"""What a definition asks the client for, against what the client was given."""

from __future__ import annotations

import hashlib
from socket import gethostname
from typing import TYPE_CHECKING

from llb.buildkit_names import LOCAL_SCHEME, OCI_SCHEME
from llb.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.definition.definition import Definition


def local_names(definition: Definition) -> tuple[str, ...]:
    """Return the names of the local directories that a definition asks for."""
    identifiers = (
        str(vertex.op.get("identifier", ""))
        for vertex in definition.vertices()
        if vertex.kind == "source"
    )
    return tuple(
        dict.fromkeys(
            each.removeprefix(LOCAL_SCHEME) for each in identifiers if each.startswith(LOCAL_SCHEME)
        )
    )


def check_locals(definition: Definition, given: Mapping[str, str | Path]) -> None:
    """Raise InputError for a local directory that the definition names and nobody gave."""
    for name in local_names(definition):
        if name not in given:
            raise unknown_directory(name, given)


def check_layouts(definition: Definition, given: Mapping[str, str | Path]) -> None:
    """Raise InputError for an OCI layout that the definition names and nobody gave."""
    for vertex in definition.vertices():
        identifier, attrs = str(vertex.op.get("identifier", "")), vertex.op.get("attrs", {})
        if vertex.kind != "source" or not identifier.startswith(OCI_SCHEME):
            continue
        name = attrs.get("oci.store", "") if isinstance(attrs, dict) else ""
        if name not in given:
            raise _unknown_layout(name, given)


def unknown_directory(name: str, known: Mapping[str, object]) -> InputError:
    """Return the error of a build that asks for a directory which nobody gave."""
    given = f"those given are {', '.join(sorted(known))}" if known else "none is given"
    return InputError(
        f"the build asks for the local directory {name!r}, and {given}",
        hint=did_you_mean(name, known) or f"give it with --local {name}=DIR",
    )


def shared_key(directories: Mapping[str, Path]) -> str:
    """Return a key of these very directories on this machine; there is none of none.

    A daemon keeps what was uploaded under a name and this key, to be sent only
    changes the next time; another directory of the same name must not get it.
    """
    if not directories:
        return ""
    places = sorted(f"{name}={path.resolve()}" for name, path in directories.items())
    text = "\0".join((gethostname(), *places))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _unknown_layout(name: str, known: Mapping[str, object]) -> InputError:
    """Return the error of a build that asks for a layout which nobody gave."""
    given = f"those given are {', '.join(sorted(known))}" if known else "none is given"
    if not name:
        return InputError(
            "a source of the build names no OCI layout that it is in",
            hint="say which with OCILayout(…, store_id=NAME)",
        )
    return InputError(
        f"the build asks for the OCI layout {name!r}, and {given}",
        hint=did_you_mean(name, known) or f"give it with --oci-layout {name}=DIR",
    )
