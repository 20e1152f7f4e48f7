"""What is done with a result: kinds of exporters, and their short forms on a command line."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.client.providers.filesend import FileReceiver, LocalReceiver, StreamReceiver
from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.providers.filesend import Receiver

_TO_DIRECTORY = ("local",)
_TO_FILE = ("tar", "oci", "docker")
_ON_DAEMON = ("image", "registry")
KINDS = (*_TO_DIRECTORY, *_TO_FILE, *_ON_DAEMON)
_WITH_CONFIG = ("image", "registry", "oci", "docker")
STANDARD_OUTPUT = "-"


@frozen
class Export:
    """An exporter: its kind, its attributes, and where the client puts what it sends.

    ``destination`` is a directory for ``local``, a file or ``-`` for ``tar``,
    ``oci`` and ``docker``, and absent for ``image``, which stays on the daemon or
    goes to a registry (``name`` and ``push`` in the attributes); ``registry`` stands
    for an image that is pushed.
    """

    type: str
    attrs: Mapping[str, str] = field(factory=dict)
    destination: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.type not in KINDS:
            raise InvalidValueError(
                f"unknown exporter {self.type!r}: expected {', '.join(KINDS)}",
                hint=did_you_mean(self.type, KINDS),
            )
        if self.type in _ON_DAEMON and self.destination is not None:
            raise InvalidValueError(f"the exporter {self.type} takes no dest")
        if self.type not in _ON_DAEMON and not self.destination:
            raise InvalidValueError(
                f"the exporter {self.type} needs a destination",
                hint=f"for example -o type={self.type},dest=out",
            )
        if self.type in _TO_DIRECTORY and self.destination == STANDARD_OUTPUT:
            raise InvalidValueError(
                "a directory cannot be written to standard output",
                hint="use -o type=tar,dest=-",
            )

    @property
    def sent(self) -> tuple[str, dict[str, str]]:
        """The kind and the attributes as the daemon knows them."""
        if self.type == "registry":
            return "image", {**self.attrs, "push": "true"}
        return self.type, dict(self.attrs)

    @property
    def takes_image_config(self) -> bool:
        """Whether the exporter makes an image."""
        return self.type in _WITH_CONFIG

    def receiver(self) -> Receiver | None:
        """Return what takes the result on the client, or None where nothing comes."""
        if self.destination is None:
            return None
        if self.type in _TO_DIRECTORY:
            return LocalReceiver(Path(self.destination))
        if self.destination == STANDARD_OUTPUT:
            return StreamReceiver(sys.stdout.buffer)
        return FileReceiver(Path(self.destination))


def local(destination: str | Path) -> Export:
    """Return the exporter that writes the tree of files to a directory."""
    return Export("local", destination=str(destination))


def tar(destination: str | Path) -> Export:
    """Return the exporter that writes the tree of files to a tar archive."""
    return Export("tar", destination=str(destination))


def oci(destination: str | Path, *, name: str | None = None) -> Export:
    """Return the exporter that writes an OCI image archive."""
    return Export("oci", {"name": name} if name else {}, str(destination))


def image(name: str, *, push: bool = False) -> Export:
    """Return the exporter that names an image on the daemon, and pushes it if asked."""
    return Export("image", {"name": name} | ({"push": "true"} if push else {}))


def parse_export(text: str) -> Export:
    """Return the exporter that ``text`` names: ``DIR``, ``-``, or ``type=…,key=value…``.

    The fields are separated as in CSV, so that a value with a comma is quoted.
    Raises InvalidValueError.
    """
    if text == STANDARD_OUTPUT:
        return Export("tar", destination=text)
    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise InvalidValueError(f"invalid output {text!r}: {error}") from error
    if len(fields) == 1 and "=" not in text:
        return Export("local", destination=text)
    attrs: dict[str, str] = {}
    for each in fields:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise InvalidValueError(
                f"invalid output {text!r}: {each!r} is no key=value",
                hint="for example -o type=oci,dest=image.tar",
            )
        attrs[key.strip().lower()] = value
    kind = attrs.pop("type", None)
    if kind is None:
        raise InvalidValueError(f"invalid output {text!r}: it has no type")
    return Export(kind, attrs, attrs.pop("dest", None))
