"""What functions ask of a build, found at the daemon and at the client behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field

from llb import Local, Network, Scratch, State, copy, dockerfile, from_definition, tmpfs
from llb.buildfile.bases import with_config
from llb.buildfile.context import UsedContext
from llb.dockerfile.sources.named_contexts import (
    ContextRequest,
    LocalTree,
    ResolvedContext,
    find_context,
)
from llb.dockerfile.to_llb.run import proxy_of
from llb.errors import InputError, RemoteError
from llb.frontend.dockerui.dockerfile import File
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb import Location, Platform, ResolvedImage
    from llb.buildfile import Build, DockerfileRequest
    from llb.buildfile.running import Stopwatch
    from llb.dockerfile.sources.requests import Request, Resolved
    from llb.frontend.dockerui.open import Opened
    from llb.gateway import FileStat, Ref, Result

    T = TypeVar("T")

_CONFIG = "containerimage.config"
_BUILTIN = ("dockerfile.v0", "gateway.v0")
_GIVEN = "input:"


@define(eq=False)
class GatewayHost:
    """The host of a build in a frontend (:class:`llb.buildfile.Host`).

    ``watch`` stands still while the daemon is asked, and ``warnings`` are what was shown.
    """

    opened: Opened
    watch: Stopwatch
    warnings: list[tuple[str, Location | None]] = field(factory=list)
    _lazy: UsedContext | None = None
    _refs: dict[str, Ref] = field(factory=dict)

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Return the build context; without arguments, with what is used of it."""
        tree = self.opened.options.context
        if tree is not None:
            if not (include or exclude or follow_paths):
                return tree
            kept = copy(
                tree, "/", include=(*include, *follow_paths), exclude=exclude, contents_only=True
            )
            return Scratch().file(kept, name="[internal] choose of the build context", locations=())
        local = self.opened.options.local_context
        if include or exclude or follow_paths:
            return local_tree(
                evolve(local, exclude=(*local.exclude, *exclude)), follow_paths, include
            )
        if self._lazy is None:
            self._lazy = UsedContext(lambda paths: local_tree(local, paths))
        return self._lazy.state

    def settle(self, trees: Iterable[State]) -> None:
        """Let the build context be what the steps of ``trees`` use of it."""
        if self._lazy is not None:
            self._lazy.settle(trees)

    def named(self, name: str, platform: Platform) -> State | None:
        """Return a named context, or None where there is none."""
        request = find_context(self.opened.options.contexts, name, platform)
        if request is None:
            return None
        with self.watch.stopped():
            found = self.opened.contexts.named(request).tree
        return found if isinstance(found, State) else local_tree(found)

    def prepared(self, tree: State) -> State:
        """Return a tree with what the client asks of every process."""
        asked = self.opened.options.processes
        proxy = proxy_of(self.opened.options.build_args)
        if proxy is not None:
            tree = tree.proxy(proxy)
        for name, address in asked.extra_hosts:
            tree = tree.extra_host(name, address)
        for each in asked.ulimits:
            tree = tree.ulimit(each.name, each.soft, each.hard)
        if asked.network is not Network.SANDBOX:
            tree = tree.network(asked.network)
        if asked.hostname:
            tree = tree.hostname(asked.hostname)
        if asked.cgroup_parent:
            tree = tree.cgroup_parent(asked.cgroup_parent)
        if asked.shm_size:
            tree = tree.mount(tmpfs("/dev/shm", size=asked.shm_size))  # noqa: S108 - the process's own
        return tree

    def input(self, name: str) -> State | None:
        """Return a tree that the client built, with its image config where it has one."""
        with self.watch.stopped():
            found = self.opened.contexts.given(name)
        if found is None:
            return None
        state, config = found
        return state if config is None else state.with_image_config(config)

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: str = "default",  # noqa: ARG002 - that of the build is used
    ) -> ResolvedImage:
        """Return digest and config of an image."""
        with self.watch.stopped():
            return self.opened.contexts.resolve_image(
                ref, platform, f"[internal] load metadata for {ref}"
            )

    def read(self, tree: State, path: str, platform: Platform) -> bytes:
        """Return a file of a tree. Raises InputError where there is none."""
        with self.watch.stopped():
            return self._reading(
                lambda ref: self.opened.gateway.read_file(ref, path),
                tree,
                path,
                platform,
            )

    def list_dir(
        self, tree: State, path: str, pattern: str, platform: Platform
    ) -> tuple[FileStat, ...]:
        """Return what is in a directory of a tree. Raises InputError where there is none."""
        with self.watch.stopped():
            return self._reading(
                lambda ref: self.opened.gateway.read_dir(ref, path, pattern=pattern),
                tree,
                path,
                platform,
            )

    def _reading(self, read: Callable[[Ref], T], tree: State, path: str, platform: Platform) -> T:
        if self._lazy is not None:
            # Steps that come later may use more of it.
            self._lazy.need_whole([tree])
        definition = tree.marshal(platform=platform, caps=self.opened.gateway.caps.llb)
        head = definition.head or ""
        if head not in self._refs:
            self._refs[head] = self.opened.gateway.solve(definition)
        try:
            return read(self._refs[head])
        except RemoteError as error:
            if not is_not_found(error):
                raise
            raise InputError(
                f"there is no {path}", hint="paths are relative to the tree"
            ) from error

    def dockerfile(
        self, build: Build, text: bytes, filename: str, request: DockerfileRequest
    ) -> State:
        """Return what a Dockerfile describes."""
        given = {f"{_GIVEN}{name}": tree for name, tree in request.contexts.items()}
        options = evolve(
            self.opened.options,
            filename=filename,
            target=request.target,
            build_args=request.build_args,
            platform=build.platform,
            explicit_platform=build.platform != build.build_platform,
            contexts={
                **self.opened.options.contexts,
                **{name: f"{_GIVEN}{name}" for name in request.contexts},
            },
            definition=None,
        )

        def resolve(requests: tuple[Request, ...]) -> Mapping[Request, Resolved]:
            own: dict[Request, Resolved] = {}
            for each in requests:
                if isinstance(each, ContextRequest) and each.value in given:
                    state = given[each.value]
                    config = state.image_config(platform=build.platform)
                    own[each] = ResolvedContext(state, config)
            return {
                **own,
                **self.opened.resolve(tuple(each for each in requests if each not in own)),
            }

        file = File(text, self.opened.vertex, b"", self.opened.gateway, resolve)
        with self.watch.stopped():
            converted = file.convert(dockerfile.parse(text, filename), options)
        return with_config(converted.state, converted.image_config)

    def frontend(
        self, build: Build, source: str, options: Mapping[str, str], inputs: Mapping[str, State]
    ) -> State:
        """Return what another frontend makes."""
        gateway = self.opened.gateway
        given = {"platform": str(build.platform), **options}
        name = source if source in _BUILTIN else "gateway.v0"
        if name == "gateway.v0":
            given["source"] = source
        if self._lazy is not None:
            self._lazy.need_whole(inputs.values())
        with self.watch.stopped():
            trees = {
                key: each.marshal(platform=build.platform, caps=gateway.caps.llb)
                for key, each in inputs.items()
            }
            made = gateway.solve_frontend(name, given, inputs=trees)
        return _state(made, build.platform)

    def warn(self, message: str, location: Location | None) -> None:
        """Show a warning, and remember it for a client that asks for all of them."""
        self.warnings.append((message, location))
        with self.watch.stopped():
            self.opened.gateway.warn(self.opened.vertex, message, location=location)


def local_tree(
    tree: LocalTree, follow_paths: tuple[str, ...] = (), include: tuple[str, ...] = ()
) -> State:
    """Return a local directory, or what is chosen of it."""
    return Local(
        tree.name,
        include=include,
        exclude=tree.exclude,
        follow_paths=follow_paths,
        session_id=tree.session_id,
        unique_id=tree.unique_id,
        shared_key=tree.shared_key,
        name=tree.label,
        locations=(),
    )


def _state(made: Result, platform: Platform) -> State:
    """Return the result of a frontend for a platform as a state. Raises InputError."""
    key = str(platform.normalize())
    ref = made.refs.get(key, made.ref)
    if ref is None:
        platforms = ", ".join(made.refs) or "no platform"
        raise InputError(f"the frontend made nothing for {key}, but for {platforms}")
    state = State() if ref.definition is None else from_definition(ref.definition)
    config = made.metadata.get(f"{_CONFIG}/{key}") or made.metadata.get(_CONFIG)
    return state if config is None else state.with_image_config(config)
