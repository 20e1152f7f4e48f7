"""Build several targets at the same time."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from llb.bake.building.jobs import Jobs
from llb.bake.building.links import HeldBuild, Inputs, Link, LinkedPart
from llb.bake.building.options import image_build, links
from llb.bake.building.shared_contexts import shared_contexts
from llb.bake.definitions.preparation import prepared
from llb.client.builds.parallel import run_in_parallel
from llb.client.progress.listeners import SharedDisplay, SharedReports
from llb.errors import BakeFileError, CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.bake.definitions.plan import Selection
    from llb.client import BuildHandle, Client, SolveResult
    from llb.client.image_build.request import ImageBuild
    from llb.client.options import BuildOptions
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report

_ALL = Jobs()


def build_selection(
    selection: Selection,
    client: Client,
    *,
    jobs: Jobs = _ALL,
    on_event: Callable[[Event], None] | None = None,
    on_report: Callable[[Report], None] | None = None,
    on_result: Callable[[str, SolveResult], None] | None = None,
) -> dict[str, SolveResult]:
    """Build all targets of a selection, and return their results by name (:func:`bake.build`).

    ``on_result`` is called with the name and the result of each target that was built, also if
    others fail.
    """
    ready = prepared(selection)
    builds = {name: image_build(target) for name, target in ready.targets.items()}
    used = {name: links(target) for name, target in ready.targets.items()}
    jobs.check(len(builds), are_linked=any(used.values()))
    nodes = {
        name: client._nodes.split(build.request.attrs.get("platform", ""))
        for name, build in builds.items()
    }
    _check_nodes(builds, used, nodes)
    display = None if on_event is None else SharedDisplay(on_event, names=len(builds) > 1)
    reports = SharedReports(on_report) if on_report is not None and len(builds) > 1 else None
    parts = sum(map(len, nodes.values()))
    barrier = threading.Barrier(parts) if parts and jobs.mode == "defer-output" else None
    listeners = _Listeners(display, reports.of if reports is not None else lambda _: on_report)
    run = _Run(client, used, nodes, _links(used, nodes), listeners, barrier)
    with shared_contexts(client, builds, nodes, run.fail) as sharing:
        return run.results(sharing, jobs, on_result)


def _check_nodes(
    builds: Mapping[str, ImageBuild],
    used: Mapping[str, Mapping[str, str]],
    nodes: Mapping[str, Iterable[str]],
) -> None:
    """Raise BakeFileError if a target is built on a node that has no result of its contexts."""
    for target, contexts in used.items():
        for name in contexts.values():
            if missing := {*nodes[target]} - {*nodes[name]}:
                raise BakeFileError(
                    f"target {target}: cannot use the target {name}, because that is not built on "
                    f"the node {min(missing)}",
                    hint="build both for the same platforms",
                )
    for target in _linked(used):
        if len([*nodes[target]]) > 1 and builds[target].request.function is not None:
            raise BakeFileError(
                f"target {target}: a build file that uses other targets, or is used by them, cannot "
                "be built on several nodes"
            )


def _linked(used: Mapping[str, Mapping[str, str]]) -> set[str]:
    """List the targets that use others or are used."""
    users = {target for target, contexts in used.items() if contexts}
    return users | {name for contexts in used.values() for name in contexts.values()}


def _links(
    used: Mapping[str, Mapping[str, str]], nodes: Mapping[str, Iterable[str]]
) -> dict[tuple[str, str], Link]:
    """Create the links to the results of targets, by their names and nodes."""
    names = {name for contexts in used.values() for name in contexts.values()}
    links = {(name, node): Link(name, 0) for name in names for node in nodes[name]}
    for target, contexts in used.items():
        for name in contexts.values():
            for node in nodes[target]:
                links[name, node].users += 1
    return links


@frozen
class _Listeners:
    """The listeners of the progress of all targets."""

    display: SharedDisplay | None
    report_of: Callable[[str], Callable[[Report], None] | None]

    def options(self, target: str) -> BuildOptions:
        """Build the options for the progress of one target."""
        options: BuildOptions = {}
        if self.display is not None:
            options["on_event"] = self.display.of(target)
        on_report = self.report_of(target)
        if on_report is not None:
            options["on_report"] = on_report
        return options


@define(eq=False)
class _Run:
    """The builds of one call of :func:`build_selection`.

    ``nodes`` has the platforms of each target by the names of the nodes that build them.
    """

    client: Client
    used: Mapping[str, Mapping[str, str]]
    nodes: Mapping[str, Mapping[str, str]]
    links: Mapping[tuple[str, str], Link]
    listeners: _Listeners
    barrier: threading.Barrier | None
    _handles: dict[str, BuildHandle] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)
    _is_cancelled: bool = False
    _failure: Exception | None = None

    def results(
        self,
        builds: Mapping[str, ImageBuild],
        jobs: Jobs,
        on_result: Callable[[str, SolveResult], None] | None,
    ) -> dict[str, SolveResult]:
        """Run the builds, and return their results by name."""
        calls = {name: partial(self._build, name, build) for name, build in builds.items()}
        defers_errors = jobs.mode == "defer-error"
        try:
            return run_in_parallel(
                calls,
                self._cancel,
                "target",
                limit=jobs.parallel,
                defers_errors=defers_errors,
                on_result=on_result,
            )
        except Exception as error:
            if self._failure is None:
                raise
            raise self._failure from error

    def fail(self, error: Exception) -> None:
        """Cancel all builds because of an unexpected exception, which is raised."""
        self._failure = error
        self._cancel()

    def _build(self, name: str, build: ImageBuild) -> SolveResult:
        try:
            handle = self._start(name, build)
            return handle.result()
        finally:
            for node in self.nodes[name]:
                if (name, node) in self.links:
                    self.links[name, node].close()
                for linked in self.used[name].values():
                    self.links[linked, node].leave()

    def _start(self, name: str, build: ImageBuild) -> BuildHandle:
        request = build.request
        parts = self._parts(name)
        inputs = Inputs()
        arguments: dict[str, Any] = {
            "frontend": request.frontend if request.function is None else None,
            "function": request.function,
        }
        if self.barrier is not None or any(part.link is not None for part in parts.values()):
            arguments = {"function": HeldBuild(request, parts, self.barrier)}
        elif self.used[name] and len(parts) > 1:
            arguments = {"function": HeldBuild(request, parts)}
        if len(parts) == 1:
            (inputs,) = (part.inputs for part in parts.values())
        options: dict[str, Any] = {**build.options}
        options |= self.listeners.options(name)
        with self._lock:
            if self._is_cancelled:
                raise CancelledError("the build was cancelled, because another target failed")
            handle = self.client.start(
                frontend_attrs={**request.attrs, **inputs.attrs},
                frontend_inputs={**request.inputs, **inputs.definitions},
                **arguments,
                **options,
            )
            self._handles[name] = handle
        return handle

    def _parts(self, name: str) -> dict[str, LinkedPart]:
        """Wait for the results that a target uses, on each node. Raises CancelledError."""
        parts = {}
        for node, platforms in self.nodes[name].items():
            inputs = Inputs()
            for context, linked in self.used[name].items():
                inputs.add(context, self.links[linked, node])
            parts[platforms] = LinkedPart(inputs, self.links.get((name, node)))
        return parts

    def _cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            handles = tuple(self._handles.values())
        for link in self.links.values():
            link.close()
        if self.barrier is not None:
            self.barrier.abort()
        for handle in handles:
            if not handle.is_done:
                handle.cancel()
