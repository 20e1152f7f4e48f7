"""Build several targets at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from llb.bake.building.display import SharedDisplay
from llb.bake.building.links import Inputs, Link, LinkedBuild
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


def build_selection(
    selection: Selection,
    client: Client,
    *,
    on_event: Callable[[Event], None] | None = None,
) -> dict[str, SolveResult]:
    """Build all targets of a selection, and return their results by name.

    They are built at the same time over the client's connection. A target waits only for those
    that it uses as contexts. Steps in events are named with their target. The first failure cancels
    the other builds and is raised, with the name of the target before its message: SolveError,
    and all other errors of ``Client.build_image``.
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
    run = _Run(client, used, links_by_name, display)
    with shared_contexts(client, builds, run.fail) as sharing:
        return run.results(sharing)


@define(eq=False)
class _Run:
    """The builds of one call of :func:`build_selection`."""

    client: Client
    used: Mapping[str, Mapping[str, str]]
    links: Mapping[str, Link]
    display: SharedDisplay | None
    _handles: dict[str, BuildHandle] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)
    _is_cancelled: bool = False
    _failure: Exception | None = None

    def results(self, builds: Mapping[str, ImageBuild]) -> dict[str, SolveResult]:
        with ThreadPoolExecutor(max(1, len(builds))) as pool:
            futures = {
                pool.submit(self._build, name, build): name for name, build in builds.items()
            }
            try:
                error = self._wait(futures)
            finally:
                self._cancel()
            if error is not None:
                raise self._failure or error
            return {name: future.result() for future, name in futures.items()}

    def fail(self, error: Exception) -> None:
        """Cancel all builds because of an unexpected exception, which is raised."""
        self._failure = error
        self._cancel()

    def _wait(self, futures: Mapping[Future[SolveResult], str]) -> BaseException | None:
        """Wait for all builds; after the first failure cancel the others. Return the failure."""
        failure: BaseException | None = None
        left = set(futures)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    continue
                if failure is None or isinstance(failure, CancelledError):
                    failure = _named(error, futures[future])
                self._cancel()
        return failure

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
        if name in self.links:
            own = {key: state.marshal() for key, state in request.inputs.items()}
            function = LinkedBuild(
                evolve(request, attrs=attrs), self.links[name], {**own, **inputs.definitions}
            )
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
        for handle in handles:
            if not handle.is_done:
                handle.cancel()


def _named(error: BaseException, name: str) -> BaseException:
    """Put the name of the target before the message of its error."""
    if isinstance(error, LLBError) and not error.message.startswith("target "):
        error.message = f"target {name}: {error.message}"
    return error
