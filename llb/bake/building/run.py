"""Build several targets at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from llb.bake.building.display import SharedDisplay
from llb.bake.building.jobs import Jobs
from llb.bake.building.links import HeldBuild, Inputs, Link
from llb.bake.building.options import image_build, links
from llb.bake.building.shared_contexts import shared_contexts
from llb.bake.definitions.preparation import prepared
from llb.errors import CancelledError, LLBError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from llb.bake.definitions.plan import Selection
    from llb.client import BuildHandle, Client, SolveResult
    from llb.client.image_build.request import ImageBuild
    from llb.client.progress.events import Event

_ALL = Jobs()


def build_selection(
    selection: Selection,
    client: Client,
    *,
    jobs: Jobs = _ALL,
    on_event: Callable[[Event], None] | None = None,
    on_result: Callable[[str, SolveResult], None] | None = None,
) -> dict[str, SolveResult]:
    """Build all targets of a selection, and return their results by name (:func:`bake.build`).

    ``on_result`` is called with the name and the result of each target that was built, also if
    others fail.
    """
    ready = prepared(selection)
    builds = {name: image_build(target) for name, target in ready.targets.items()}
    used = {name: links(target) for name, target in ready.targets.items()}
    counts: dict[str, int] = {}
    for contexts in used.values():
        for name in contexts.values():
            counts[name] = counts.get(name, 0) + 1
    display = None if on_event is None else SharedDisplay(on_event, names=len(builds) > 1)
    links_by_name = {name: Link(name, count) for name, count in counts.items()}
    jobs.check(len(builds), are_linked=bool(counts))
    barrier = threading.Barrier(len(builds)) if builds and jobs.mode == "defer-output" else None
    run = _Run(client, used, links_by_name, display, jobs, barrier, on_result)
    with shared_contexts(client, builds, run.fail) as sharing:
        return run.results(sharing)


@define(eq=False)
class _Run:
    """The builds of one call of :func:`build_selection`."""

    client: Client
    used: Mapping[str, Mapping[str, str]]
    links: Mapping[str, Link]
    display: SharedDisplay | None
    jobs: Jobs
    barrier: threading.Barrier | None
    on_result: Callable[[str, SolveResult], None] | None
    _handles: dict[str, BuildHandle] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)
    _is_cancelled: bool = False
    _failure: Exception | None = None

    def results(self, builds: Mapping[str, ImageBuild]) -> dict[str, SolveResult]:
        with ThreadPoolExecutor(self.jobs.parallel or max(1, len(builds))) as pool:
            futures = {
                pool.submit(self._build, name, build): name for name, build in builds.items()
            }
            try:
                failures = self._wait(futures)
            finally:
                self._cancel()
            if self._failure is not None:
                raise self._failure
            if failures and self._defers_errors:
                raise ExceptionGroup(f"{len(failures)} targets failed", failures)
            if failures:
                raise failures[0]
            return {name: future.result() for future, name in futures.items()}

    def fail(self, error: Exception) -> None:
        """Cancel all builds because of an unexpected exception, which is raised."""
        self._failure = error
        self._cancel()

    @property
    def _defers_errors(self) -> bool:
        return self.jobs.mode == "defer-error"

    def _wait(self, futures: Mapping[Future[SolveResult], str]) -> list[Exception]:
        """Wait for all builds, and return the failures, those with a reason first.

        Unless errors are deferred, the first failure cancels the other builds.
        """
        failures: list[Exception] = []
        left = set(futures)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    if self.on_result is not None:
                        self.on_result(futures[future], future.result())
                    continue
                if not isinstance(error, Exception):
                    raise error
                failures.append(_named(error, futures[future]))
                if not self._defers_errors:
                    self._cancel()
        return sorted(failures, key=lambda error: isinstance(error, CancelledError))

    def _build(self, name: str, build: ImageBuild) -> SolveResult:
        try:
            handle = self._start(name, build)
            return handle.result()
        finally:
            if name in self.links:
                self.links[name].close()
            for linked in self.used[name].values():
                self.links[linked].leave()

    def _start(self, name: str, build: ImageBuild) -> BuildHandle:
        inputs = Inputs()
        for context, linked in self.used[name].items():
            inputs.add(context, self.links[linked])
        request = build.request
        attrs = {**request.attrs, **inputs.attrs}
        options: dict[str, Any] = {**build.options}
        if self.display is not None:
            options["on_event"] = self.display.of(name)
        link = self.links.get(name)
        if link is not None or self.barrier is not None:
            own = {key: state.marshal() for key, state in request.inputs.items()}
            definitions = {**own, **inputs.definitions}
            function = HeldBuild(evolve(request, attrs=attrs), definitions, link, self.barrier)
            arguments: dict[str, Any] = {"function": function}
        else:
            arguments = {
                "frontend": request.frontend if request.function is None else None,
                "function": request.function,
            }
        with self._lock:
            if self._is_cancelled:
                raise CancelledError("the build was cancelled, because another target failed")
            handle = self.client.start(
                frontend_attrs=attrs,
                frontend_inputs={**request.inputs, **inputs.definitions},
                **arguments,
                **options,
            )
            self._handles[name] = handle
        return handle

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


def _named(error: Exception, name: str) -> Exception:
    """Put the name of the target before the message of its error."""
    if isinstance(error, LLBError) and not error.message.startswith("target "):
        error.message = f"target {name}: {error.message}"
    return error
