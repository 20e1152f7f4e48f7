"""The outputs of a build on several nodes: what each node exports, and how the parts are joined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.client.export.destinations import LocalReceiver
from llb.client.export.exporters import Export
from llb.client.key_values import parse_flag
from llb.client.nodes.pushed_image import PushedImage
from llb.client.nodes.written_image import WrittenImage
from llb.errors import Hint, InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client.export.receivers import Receiver
    from llb.grpc import ServerCall

_HINT = Hint(
    "push the image, use llb.client.oci or llb.client.local, or build for one platform",
    command="use --push, -o type=oci,dest=FILE or -o DIR, or build for one platform",
)


class Outputs:
    """The outputs of a build on several nodes.

    ``image`` is the one that is put together of parts, if any. Raises InvalidValueError for outputs
    that are not: files for Docker, and archives of trees; and InputError for an unusable
    destination.
    """

    def __init__(self, exports: Iterable[Export], *, has_docker: bool) -> None:
        self.image: PushedImage | WrittenImage | None = None
        self._has_docker = has_docker
        self._trees: list[LocalReceiver] = []
        try:
            self._exports = list(map(self._to_part, exports))
        except BaseException:
            self.abort()
            raise

    def for_node(self) -> list[Export]:
        """List the exports of one node."""
        return self._exports

    def commit(self) -> None:
        """Put the directories in place. Raises InputError."""
        for trees in self._trees:
            try:
                trees.commit({})
            except OSError as error:
                path = error.filename2 or error.filename
                raise InputError(f"cannot write the output {path}: {error.strerror}") from error

    def abort(self) -> None:
        """Discard what is not in place."""
        for trees in self._trees:
            trees.abort()
        if isinstance(self.image, WrittenImage):
            self.image.abort()

    def _to_part(self, export: Export) -> Export:
        if export.type in ("tar", "docker"):
            what = "loaded into Docker" if export.is_loaded else f"written as type={export.type}"
            raise InvalidValueError(f"the results of several nodes cannot be {what}", hint=_HINT)
        if export.type == "local":
            trees = LocalReceiver(
                Path(export.destination or ""), exact=export.attrs.get("mode") == "delete"
            )
            self._trees.append(trees)
            return TreePart(export.type, export.attrs, export.destination, trees=trees)
        if export.type != "oci" and not _is_pushed(export):
            return export
        if self.image is not None:
            raise InvalidValueError(
                "a build on several nodes can push or write only one image",
                hint="the answer of a daemon has the digest of one",
            )
        self.image = WrittenImage(export) if export.type == "oci" else self._to_pushed(export)
        return self.image.for_node()

    def _to_pushed(self, export: Export) -> PushedImage:
        if self._has_docker:
            raise InvalidValueError(
                "the BuildKit of a Docker cannot push its part of an image of several nodes",
                hint="create nodes with the driver docker-container",
            )
        if not export.attrs.get("name"):
            raise InvalidValueError("a push needs a name for the image")
        return PushedImage(export)


@frozen
class TreePart(Export):
    """The part of a node of a directory, which is put in place after all nodes have succeeded."""

    trees: LocalReceiver = field(kw_only=True)

    def receiver(self) -> Receiver:
        """Create a receiver that keeps what it receives with the trees of the other nodes."""
        return _TreePartReceiver(self.trees)


class _TreePartReceiver:
    def __init__(self, trees: LocalReceiver) -> None:
        self.destination = trees.destination
        self._trees = trees

    def receive(self, call: ServerCall) -> None:
        self._trees.receive(call)

    def commit(self, answers: Mapping[str, str]) -> None:
        """Do nothing: another node may still fail."""

    def abort(self) -> None:
        """Do nothing: the trees are discarded together."""


def _is_pushed(export: Export) -> bool:
    kind, attrs = export.sent or ("", {})
    return kind == "image" and parse_flag(attrs.get("push") or "false", "push")
