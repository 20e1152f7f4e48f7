"""A build on several nodes: a build of each for its platforms, and one result of all."""

from __future__ import annotations

import threading
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

from attrs import evolve

from llb._lazy import lazy_imports
from llb.client.builds.parallel import run_in_parallel
from llb.client.builds.prepared_build import PreparedBuild
from llb.client.nodes.outputs import Outputs
from llb.client.nodes.pushed_image import PushedImage
from llb.client.nodes.written_image import WrittenImage
from llb.client.progress.listeners import SharedDisplay, SharedReports, both
from llb.client.results import SolveResult
from llb.errors import CancelledError, InvalidValueError

with lazy_imports(__name__):
    from llb.client.imagetools import progress  # 2 ms
    from llb.client.nodes import uploads  # 0.3 ms
    from llb.client.registries import client as registries  # 40 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llb.client.builds.subject import Subject
    from llb.client.nodes.node import Node
    from llb.client.options import BuildOptions
    from llb.client.progress.events import Event
    from llb.client.registries.client import RegistryClient

_PLATFORM = "platform"


class NodesBuild:
    """A build that several nodes share by its platforms, and that runs like a build of one.

    The constructor raises InvalidValueError and InputError, and ConnectError for a node that does
    not answer. ``on_event`` is a listener besides that of the options.
    """

    def __init__(
        self,
        places: Mapping[Node, Sequence[str]],
        subject: Subject,
        options: BuildOptions,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        if "find_exports" in options:
            raise InvalidValueError(
                "find_exports needs a build on one node", hint="build for one platform"
            )
        self._ref = options.get("ref") or uuid.uuid4().hex
        self._options = options
        self._access = [node.registries() for node in places]
        self._on_event = both(on_event, options.get("on_event"))
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._is_joining = False
        self._builds: dict[str, PreparedBuild] = {}
        has_docker = any(node.control.is_docker for node in places)
        with ExitStack() as stack:
            self._outputs = Outputs(options.get("exports", ()), has_docker=has_docker)
            stack.callback(self._outputs.abort)
            self._uploads = uploads.SharedUploads(options.get("uploads", ()))
            stack.callback(self._uploads.close)
            shared, listener = self._shared_options(), _named_listener(self._on_event)
            on_report = options.get("on_report")
            reports = None if on_report is None else SharedReports(on_report)
            for node, platforms in places.items():
                part = _part(subject, platforms)
                if reports is not None:
                    shared = {**shared, "on_report": reports.of(node.name)}
                build = PreparedBuild(
                    node.control, node.capabilities, part, shared, listener(node.name)
                )
                stack.callback(build.close)
                self._builds[node.name] = build
            self._closing = stack.pop_all()

    @property
    def ref(self) -> str:
        """The name of the build in the history of each node."""
        return self._ref

    def run(self) -> SolveResult:
        """Run the builds, and join their results; raises the errors of ``Client.solve``.

        The first failure cancels the builds of the other nodes, and is raised with the name of its
        node. Nothing is tagged, and no directory is written, before all nodes have succeeded.
        """
        try:
            builds = {name: build.run for name, build in self._builds.items()}
            results = run_in_parallel(builds, self._cancel_builds, "node")
            with self._lock:
                if self._is_cancelled:
                    raise CancelledError("the build was cancelled")
                self._is_joining = True
            return self._join(results)
        finally:
            self.close()

    def cancel(self) -> None:
        """End the builds of all nodes with CancelledError; does nothing once they are joined."""
        with self._lock:
            if self._is_joining:
                return
            self._is_cancelled = True
        self._cancel_builds()

    def close(self) -> None:
        """Discard what is not in place."""
        self._closing.close()

    def _cancel_builds(self) -> None:
        for build in self._builds.values():
            build.cancel()

    def _shared_options(self) -> BuildOptions:
        """Build the options that the builds of all nodes have."""
        shared: BuildOptions = {
            **self._options,
            "ref": self._ref,
            "exports": self._outputs.for_node(),
            "uploads": self._uploads.for_node(),
            "on_event": None,
        }
        return shared

    def _join(self, results: Mapping[str, SolveResult]) -> SolveResult:
        display = progress.Progress(self._on_event, self._options.get("on_report"))
        match self._outputs.image:
            case None:
                # As in buildx, every node has an image of its own.
                answers = next(iter(results.values())).exporter_response
            case WrittenImage() as image:
                answers = image.join(results, display)
            case PushedImage() as image:
                with self._registries(image) as client:
                    answers = image.join(results, client, display)
        self._outputs.commit()
        return SolveResult(answers, self._ref)

    def _registries(self, image: PushedImage) -> RegistryClient:
        """Open a client of registries with what the build and the nodes know about them."""
        hosts = [host for access in self._access for host in access.plain_http]
        tls = [options for access in self._access for options in access.tls]
        return registries.RegistryClient(
            credentials=self._options.get("credentials"),
            tls=(*tls, *self._options.get("registry_auth_tls", ())),
            plain_http=(*hosts, *image.insecure_hosts),
        )


def _part(subject: Subject, platforms: Sequence[str]) -> Subject:
    """Let a node build some of the platforms, always as an index."""
    attrs = {_PLATFORM: ",".join(platforms), "multi-platform": "true"}
    return evolve(subject, frontend_attrs={**subject.frontend_attrs, **attrs})


def _named_listener(
    on_event: Callable[[Event], None] | None,
) -> Callable[[str], Callable[[Event], None] | None]:
    """Create the listeners of the builds, by the names of their nodes."""
    return (lambda _: None) if on_event is None else SharedDisplay(on_event, names=True).of
