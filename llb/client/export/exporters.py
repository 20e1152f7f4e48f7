"""Exporters: what happens to the result of a build, and the short forms on a command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked, checked_init
from llb.client.export.image_options import ImageOptions, check_attributes, to_attributes
from llb.client.key_values import parse_attributes, parse_flag
from llb.errors import Hint, InvalidValueError, did_you_mean

with lazy_imports(__name__):
    from llb.client.export import (
        destinations,  # 32 ms
        docker_load,  # 35 ms
    )

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

    from llb.client.export.receivers import Receiver

_TO_DIRECTORY = ("local",)
_TO_FILE = ("tar", "oci", "docker")
_ON_DAEMON = ("image", "registry", "cacheonly")
KINDS = (*_TO_DIRECTORY, *_TO_FILE, *_ON_DAEMON)
_WITH_CONFIG = ("image", "registry", "oci", "docker")
STANDARD_OUTPUT = "-"


@checked_init
@frozen
class Export:
    """An exporter: its type, its attributes, and the destination on the client.

    - ``local`` writes a directory.
    - ``tar``, ``oci`` and ``docker`` write a file, or standard output for ``-``; with the
      attribute ``tar=false``, ``oci`` and ``docker`` write an OCI layout, which is a directory.
    - ``docker`` without a destination loads the image into the local Docker.
    - ``image`` keeps the image on the daemon or pushes it (``name`` and ``push``); ``registry``
      always pushes. ``cacheonly`` exports nothing. These three have no destination.

    Attributes are those that BuildKit documents for the type. Raises InvalidValueError.
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
        if self.type not in _ON_DAEMON and not self.destination and not self.is_loaded:
            raise InvalidValueError(
                f"the exporter {self.type} needs a destination",
                hint=Hint(
                    f'for example llb.client.{self.type}("out")',
                    command=f"for example -o type={self.type},dest=out",
                ),
            )
        check_attributes(self.type, self.attrs)
        if (self.type in _TO_DIRECTORY or self.is_layout) and self.destination == STANDARD_OUTPUT:
            raise InvalidValueError(
                "a directory cannot be written to standard output",
                hint=Hint('use llb.client.tar("-")', command="use -o type=tar,dest=-"),
            )

    @property
    def sent(self) -> tuple[str, dict[str, str]] | None:
        """The type and attributes sent to the daemon; None for ``cacheonly``."""
        if self.type == "cacheonly":
            return None
        if self.type == "registry":
            return "image", {**self.attrs, "push": "true"}
        return self.type, dict(self.attrs)

    @property
    def takes_image_config(self) -> bool:
        """Whether the exporter produces an image."""
        return self.type in _WITH_CONFIG

    @property
    def is_loaded(self) -> bool:
        """Whether the image is loaded into Docker."""
        return self.type == "docker" and self.destination is None and self._is_archive

    @property
    def is_layout(self) -> bool:
        """Whether the image is written as an OCI layout rather than as an archive."""
        return self.type in ("oci", "docker") and not self._is_archive

    @property
    def _is_archive(self) -> bool:
        return _is_archive(self.attrs)

    def inside_docker(self) -> Export:
        """Adapt the exporter to the BuildKit inside Docker, which needs no image to be loaded."""
        if not self.is_loaded:
            return self
        return Export("image", {key: self.attrs[key] for key in self.attrs if key != "tar"})

    def receiver(self) -> Receiver | None:
        """Create the receiver of the result on the client, None if no stream is sent to it.

        Raises InputError for an unusable destination.
        """
        if self.is_loaded:
            return docker_load.DockerReceiver()
        if self.destination is None or self.is_layout:
            return None

        if self.type in _TO_DIRECTORY:
            exact = self.attrs.get("mode") == "delete"
            return destinations.LocalReceiver(Path(self.destination), exact=exact)
        if self.destination == STANDARD_OUTPUT:
            return destinations.StreamReceiver(sys.stdout.buffer)
        return destinations.FileReceiver(Path(self.destination))


@checked
def local(
    destination: str | Path,
    *,
    platform_split: bool | None = None,
    delete: bool = False,
    attestation_prefix: str | None = None,
    source_date_epoch: int | None = None,
    src: str | None = None,
) -> Export:
    """Export the files of the result to a directory, which is created if it is missing.

    - ``platform_split``: give each platform a folder of its own, such as ``linux_amd64``. By
      default this happens if there are several platforms.
    - ``delete``: remove files that are in the directory but not in the result.
    - ``attestation_prefix``: the start of the names of files with attestations.
    - ``source_date_epoch``: the modification time of all files, in seconds since 1970.
    - ``src``: export only the content of this directory of the result, which needs BuildKit v0.34.

    Raises InvalidValueError for an invalid argument; the build raises InputError if it cannot
    write to the directory.

    >>> local("out").type
    'local'
    """
    attrs = {"mode": "delete"} if delete else {}
    tree_attrs = _tree_attributes(platform_split, attestation_prefix, source_date_epoch, src)
    return Export("local", attrs | tree_attrs, str(destination))


@checked
def tar(
    destination: str | Path,
    *,
    platform_split: bool | None = None,
    attestation_prefix: str | None = None,
    source_date_epoch: int | None = None,
    src: str | None = None,
) -> Export:
    """Export the files of the result to a tar archive; ``-`` is standard output.

    The options are those of :func:`local`, and the errors, too.
    """
    attrs = _tree_attributes(platform_split, attestation_prefix, source_date_epoch, src)
    return Export("tar", attrs, str(destination))


@checked(options=ImageOptions)
def oci(
    destination: str | Path,
    *,
    name: str | Iterable[str] | None = None,
    tar: bool = True,
    **options: Unpack[ImageOptions],
) -> Export:
    """Export an image as an OCI archive, a file; ``-`` is standard output.

    - ``name``: the names that are stored in the archive.
    - ``tar``: False writes a directory, an OCI layout, instead of an archive.

    Further options are :class:`ImageOptions`. Raises InvalidValueError for an invalid argument.

    >>> oci("image.tar", name="app").attrs
    {'name': 'app'}
    """
    return _archive("oci", destination, name, tar, options)


@checked(options=ImageOptions)
def docker(
    destination: str | Path | None = None,
    *,
    name: str | Iterable[str] | None = None,
    tar: bool = True,
    **options: Unpack[ImageOptions],
) -> Export:
    """Load an image into Docker, or export it to a file that ``docker load`` reads.

    Without a ``destination``, the command ``docker`` loads the image. ``name`` are the names of the
    image. ``tar`` and the further options are those of :func:`oci`. Raises InvalidValueError for an
    invalid argument; the build raises InputError if Docker does not load the image.
    """
    return _archive("docker", destination, name, tar, options)


@checked(options=ImageOptions)
def image(
    name: str | Iterable[str] = (),
    *,
    push: bool = False,
    push_by_digest: bool = False,
    insecure: bool = False,
    unpack: bool = False,
    store: bool = True,
    name_canonical: bool = False,
    dangling_name_prefix: str | None = None,
    **options: Unpack[ImageOptions],
) -> Export:
    """Create an image on the daemon, and push it to a registry if ``push``.

    - ``name``: its names, such as ``"ghcr.io/me/app:1.0"``. Without a name, the result has only a
      digest.
    - ``push_by_digest``: push without a tag.
    - ``insecure``: push over plain HTTP, and to registries with untrusted certificates.

    These are for daemons with an image store (containerd):

    - ``unpack``: unpack the image, so that a container can start at once.
    - ``store``: False does not keep the image in the store.
    - ``name_canonical``: also name the image by its digest, ``name@sha256:…``.
    - ``dangling_name_prefix``: the start of the name of an image without a name.

    Further options are :class:`ImageOptions`. Raises InvalidValueError for an invalid argument.

    >>> image("localhost:5000/app", push=True).attrs
    {'name': 'localhost:5000/app', 'push': 'true'}
    """
    flags = {
        "push": push,
        "push-by-digest": push_by_digest,
        "registry.insecure": insecure,
        "unpack": unpack,
        "name-canonical": name_canonical,
    }
    attrs = _name(name) | {key: "true" for key, is_set in flags.items() if is_set}
    attrs |= {} if store else {"store": "false"}
    if dangling_name_prefix is not None:
        attrs["dangling-name-prefix"] = dangling_name_prefix
    return Export("image", attrs | to_attributes(options))


@checked(options=ImageOptions)
def registry(
    name: str | Iterable[str], *, insecure: bool = False, **options: Unpack[ImageOptions]
) -> Export:
    """Push an image to a registry; the same as :func:`image` with ``push=True``.

    ``insecure`` allows plain HTTP and untrusted certificates. Further options are
    :class:`ImageOptions`. Raises InvalidValueError for an invalid argument.
    """
    attrs = _name(name) | ({"registry.insecure": "true"} if insecure else {})
    return Export("registry", attrs | to_attributes(options))


def cache_only() -> Export:
    """Export nothing: the steps run, and their results stay in the daemon's cache."""
    return Export("cacheonly")


@checked
def parse_export(text: str) -> Export:
    """Parse an exporter on a command line: ``DIR``, ``-``, or ``type=…,key=value…``.

    Fields are separated as in CSV, so a value that contains a comma is quoted. An archive without
    a destination goes to standard output. Raises InvalidValueError.
    """
    if text == STANDARD_OUTPUT:
        return Export("tar", destination=text)
    if "=" not in text and "," not in text:
        return Export("local", destination=text)
    attrs = parse_attributes(text, "output", "type=oci,dest=image.tar")
    kind = attrs.pop("type", None)
    if kind is None:
        raise InvalidValueError(f"invalid output {text!r}: missing type")
    destination = attrs.pop("dest", None)
    if destination is None and (kind == "tar" or (kind == "oci" and _is_archive(attrs))):
        destination = STANDARD_OUTPUT
    return Export(kind, attrs, destination)


def _is_archive(attrs: Mapping[str, str]) -> bool:
    return parse_flag(attrs.get("tar") or "true", "tar")


def _name(name: str | Iterable[str] | None) -> dict[str, str]:
    names = name if isinstance(name, str) else ",".join(name or ())
    return {"name": names} if names else {}


def _archive(
    kind: str,
    destination: str | Path | None,
    name: str | Iterable[str] | None,
    tar: bool,  # noqa: FBT001 - it is a keyword where it is given
    options: ImageOptions,
) -> Export:
    attrs = _name(name) | ({} if tar else {"tar": "false"}) | to_attributes(options)
    return Export(kind, attrs, None if destination is None else str(destination))


def _tree_attributes(
    split: bool | None,  # noqa: FBT001 - private
    prefix: str | None,
    epoch: int | None,
    src: str | None,
) -> dict[str, str]:
    values = {
        "platform-split": None if split is None else str(split).lower(),
        "attestation-prefix": prefix,
        "source-date-epoch": None if epoch is None else str(epoch),
        "src": src,
    }
    return {key: value for key, value in values.items() if value is not None}
