"""The host of a build: the part that works with and without a daemon."""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from llb import Scratch, State, copy, resolve_images
from llb.buildfile.bases import with_config
from llb.buildfile.context import UsedContext
from llb.buildfile.running import Stopwatch
from llb.dockerfile.parser.parser import parse
from llb.dockerfile.sources.named_contexts import ContextRequest, ResolvedContext, find_context
from llb.dockerfile_rules.run import parse_proxies
from llb.errors import InputError
from llb.gocompat.patternmatcher import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import Location, Platform
    from llb.buildfile import Build, DockerfileRequest
    from llb.buildkit_names import ResolveMode
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.sources.requests import Request, Resolve, Resolved
    from llb.dockerfile.to_llb import Converted
    from llb.gateway import FileStat
    from llb.sources.image_resolver import ResolvedImage

_INPUT = "input:"


@define(eq=False)
class BuildHost(ABC):
    """The part of :class:`llb.buildfile.Host` that needs no daemon.

    Subclasses supply images (:meth:`resolve`, :meth:`resolve_image_config`), files (:meth:`read`,
    :meth:`list_dir`) and other frontends. ``watch`` is stopped while they wait.
    """

    watch: Stopwatch = field(factory=Stopwatch, kw_only=True)
    _used: UsedContext | None = field(default=None, init=False)

    @property
    @abstractmethod
    def options(self) -> ConvertOptions:
        """The options of the build, in the form of a Dockerfile conversion."""

    @abstractmethod
    def resolve(
        self, requests: tuple[Request, ...], options: ConvertOptions
    ) -> Mapping[Request, Resolved]:
        """Resolve images and named contexts."""

    @abstractmethod
    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and the config of an image."""

    @abstractmethod
    def input(self, name: str) -> State | None:
        """Look up a tree that the client built."""

    @abstractmethod
    def read(self, tree: State, path: str, platform: Platform) -> bytes:
        """Read a file of a tree. Raises InputError if it is missing."""

    @abstractmethod
    def list_dir(
        self, tree: State, path: str, pattern: str, platform: Platform
    ) -> tuple[FileStat, ...]:
        """List a directory of a tree. Raises InputError if it is missing."""

    @abstractmethod
    def convert(self, parsed: Parsed, options: ConvertOptions, resolve: Resolve) -> Converted:
        """Convert a Dockerfile, and show its warnings."""

    @abstractmethod
    def frontend(
        self, build: Build, source: str, options: Mapping[str, str], inputs: Mapping[str, State]
    ) -> State:
        """Run another frontend."""

    @abstractmethod
    def warn(self, message: str, location: Location | None) -> None:
        """Show a warning."""

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Take the build context; without arguments, the part of it that steps use."""
        is_whole = not (include or exclude or follow_paths)
        tree = self.options.context
        if tree is not None:
            return tree if is_whole else _part(tree, (*include, *follow_paths), exclude)
        local = self.options.local_context
        if not is_whole:
            part = evolve(local, exclude=(*local.exclude, *exclude))
            return part.to_state(follow_paths, include)
        if self._used is None:
            self._used = UsedContext(local.to_state)
        return self._used.state

    def read_context(self, path: str, platform: Platform) -> bytes:
        """Read a file of the build context, which the client sends even if it looks unchanged.

        Raises InputError if it is missing.
        """
        relative = posixpath.normpath(path).lstrip("/")
        tree = self.options.context
        if tree is not None:
            return self.read(tree, path, platform)
        local = self.options.local_context
        # The files of other transfers are not compared with this one.
        fresh = evolve(local, shared_key=f"{local.shared_key}-{relative}")
        try:
            return self.read(fresh.to_state((relative,), differ="none"), path, platform)
        except InputError as error:
            if Patterns.compile(local.exclude).matches(relative):
                error.hint = "the ignore file (.dockerignore) excludes it from the build context"
            raise

    def settle(self, trees: Iterable[State]) -> None:
        """Limit the build context to the part that the steps of ``trees`` use."""
        if self._used is not None:
            self._used.settle(trees)

    def need_whole(self, trees: Iterable[State]) -> None:
        """Keep the whole build context if ``trees`` use any of it."""
        if self._used is not None:
            self._used.need_whole(trees)

    def named(self, name: str, platform: Platform) -> State | None:
        """Look up a named context."""
        request = find_context(self.options.contexts, name, platform)
        if request is None:
            return None
        with self.watch.stopped():
            context = self.resolve((request,), self.options)[request]
        assert isinstance(context, ResolvedContext)
        return context.tree if isinstance(context.tree, State) else context.tree.to_state()

    def prepared(self, tree: State) -> State:
        """Apply the client's settings for all processes, and its proxies."""
        proxies = parse_proxies(self.options.build_args)
        tree = tree if proxies is None else tree.proxy(proxies)
        processes = self.options.processes
        return processes.apply(tree).mount(*processes.mounts)

    def dockerfile(
        self, build: Build, text: bytes, filename: str, request: DockerfileRequest
    ) -> State:
        """Convert a Dockerfile to its tree and image config."""
        inputs = {f"{_INPUT}{name}": tree for name, tree in request.contexts.items()}
        options = evolve(
            self.options,
            filename=filename,
            target=request.target,
            build_args=request.build_args,
            platform=build.platform,
            explicit_platform=(
                self.options.explicit_platform or build.platform != build.build_platform
            ),
            contexts={
                **self.options.contexts,
                **{name: f"{_INPUT}{name}" for name in request.contexts},
            },
            definition=None,
        )

        def resolve(requests: tuple[Request, ...]) -> Mapping[Request, Resolved]:
            resolved: dict[Request, Resolved] = {}
            for source in requests:
                if isinstance(source, ContextRequest) and source.value in inputs:
                    state = resolve_images(inputs[source.value], self, platform=build.platform)
                    config = state.image_config(platform=build.platform)
                    resolved[source] = ResolvedContext(state, config)
            unresolved = tuple(source for source in requests if source not in resolved)
            return {**resolved, **self.resolve(unresolved, options)}

        with self.watch.stopped():
            converted = self.convert(parse(text, filename), options, resolve)
        return with_config(converted.state, converted.image_config)


def _part(tree: State, include: tuple[str, ...], exclude: tuple[str, ...]) -> State:
    action = copy(tree, "/", include=include, exclude=exclude, contents_only=True)
    return Scratch().file(action, name="[internal] choose of the build context", locations=())
