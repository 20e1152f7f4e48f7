"""The host of a build in a frontend, which calls the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import define, field

from llb import State, from_definition, resolve_images
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY, ResolveMode
from llb.errors import InputError, RemoteError
from llb.frontend.authoring.build_host import BuildHost
from llb.frontend.dockerui.dockerfile import File
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb import Location, Platform, ResolvedImage
    from llb.buildfile import Build
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.sources.requests import Request, Resolve, Resolved
    from llb.dockerfile.to_llb import Converted
    from llb.frontend.dockerui.open import BuildRequest
    from llb.gateway import FileStat, Ref, Result

    T = TypeVar("T")

_BUILTIN = ("dockerfile.v0", "gateway.v0")


@define(eq=False)
class GatewayHost(BuildHost):
    """The host of a build in a frontend; ``warnings`` are those that were shown."""

    request: BuildRequest
    warnings: list[tuple[str, Location | None]] = field(factory=list)
    _refs: dict[str, Ref] = field(factory=dict)

    @property
    def options(self) -> ConvertOptions:
        """The options of the build."""
        return self.request.options

    def resolve(
        self,
        requests: tuple[Request, ...],
        options: ConvertOptions,  # noqa: ARG002 - those of the build are used
    ) -> Mapping[Request, Resolved]:
        """Resolve images and named contexts."""
        return self.request.resolve(requests)

    def input(self, name: str) -> State | None:
        """Look up a tree that the client built, with its image config if it has one."""
        with self.watch.stopped():
            result = self.request.contexts.given(name)
        if result is None:
            return None
        state, config = result
        return state if config is None else state.with_image_config(config)

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: ResolveMode = "default",  # noqa: ARG002 - that of the build is used
    ) -> ResolvedImage:
        """Resolve the digest and the config of an image."""
        with self.watch.stopped():
            return self.request.contexts.resolve_image(
                ref, platform, f"[internal] load metadata for {ref}"
            )

    def read(self, tree: State, path: str, platform: Platform) -> bytes:
        """Read a file of a tree. Raises InputError if it is missing."""
        with self.watch.stopped():
            return self._read_solved(
                lambda ref: self.request.gateway.read_file(ref, path),
                tree,
                path,
                platform,
            )

    def list_dir(
        self, tree: State, path: str, pattern: str, platform: Platform
    ) -> tuple[FileStat, ...]:
        """List a directory of a tree. Raises InputError if it is missing."""
        with self.watch.stopped():
            return self._read_solved(
                lambda ref: self.request.gateway.read_dir(ref, path, pattern=pattern),
                tree,
                path,
                platform,
            )

    def _read_solved(
        self, read: Callable[[Ref], T], tree: State, path: str, platform: Platform
    ) -> T:
        # Later steps may use more of the build context.
        tree = resolve_images(tree, self, platform=platform)
        self.need_whole([tree])
        definition = tree.marshal(platform=platform, caps=self.request.gateway.caps.llb)
        head = definition.head or ""
        if head not in self._refs:
            self._refs[head] = self.request.gateway.solve(definition)
        try:
            return read(self._refs[head])
        except RemoteError as error:
            if not is_not_found(error):
                raise
            raise InputError(
                f"no such file or directory: {path}", hint="paths are relative to the tree"
            ) from error

    def convert(self, parsed: Parsed, options: ConvertOptions, resolve: Resolve) -> Converted:
        """Convert a Dockerfile, and show its warnings."""
        file = File(parsed.source.data, self.request.vertex, b"", self.request.gateway, resolve)
        return file.convert(parsed, options)

    def frontend(
        self, build: Build, source: str, options: Mapping[str, str], inputs: Mapping[str, State]
    ) -> State:
        """Run another frontend."""
        gateway = self.request.gateway
        frontend_options = {"platform": str(build.platform), **options}
        name = source if source in _BUILTIN else "gateway.v0"
        if name == "gateway.v0":
            frontend_options["source"] = source
        self.need_whole(inputs.values())
        with self.watch.stopped():
            trees = {
                key: resolve_images(state, self, platform=build.platform).marshal(
                    platform=build.platform, caps=gateway.caps.llb
                )
                for key, state in inputs.items()
            }
            result = gateway.solve_frontend(name, frontend_options, inputs=trees)
        return _state(result, build.platform)

    def warn(self, message: str, location: Location | None) -> None:
        """Show a warning, and record it for a client that lints the file."""
        self.warnings.append((message, location))
        with self.watch.stopped():
            self.request.gateway.warn(self.request.vertex, message, location=location)


def _state(result: Result, platform: Platform) -> State:
    """Convert a frontend's result for a platform to a state. Raises InputError."""
    key = str(platform.normalize())
    ref = result.refs.get(key, result.ref)
    if ref is None:
        platforms = ", ".join(sorted(result.refs)) or "no platform"
        raise InputError(f"the frontend returned no result for {key}, only for {platforms}")
    state = State() if ref.definition is None else from_definition(ref.definition)
    config = result.metadata.get(f"{EXPORTER_IMAGE_CONFIG_KEY}/{key}") or result.metadata.get(
        EXPORTER_IMAGE_CONFIG_KEY
    )
    return state if config is None else state.with_image_config(config)
