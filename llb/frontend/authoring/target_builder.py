"""Call the targets once per platform and assemble the gateway result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb import Scratch, resolve_images
from llb._lazy import lazy_imports
from llb.buildfile import Build, Source
from llb.buildfile.current import Calls
from llb.buildfile.running import Part, Stopwatch
from llb.buildfile.target import folded
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import InvalidValueError
from llb.frontend.authoring.gateway_host import GatewayHost
from llb.frontend.dockerui.concurrent import map_concurrently
from llb.gateway import PlatformImage, Result

with lazy_imports(__name__):
    from llb.frontend.dockerui import sbom  # 0.2 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from llb import Definition, Location, Platform, SourceFile, State
    from llb.buildfile import Target
    from llb.frontend.dockerui.open import BuildRequest

    Call = Callable[[Target, Calls[Target], Stopwatch], tuple[Part, ...]]


@frozen
class TargetResult:
    """The result of calling a target for a platform.

    ``targets`` are all targets that were called, and ``warnings`` their warnings.
    """

    parts: tuple[Part, ...]
    targets: tuple[Target, ...]
    warnings: tuple[tuple[str, Location | None], ...]
    epoch: datetime | None

    @property
    def is_by_platform(self) -> bool:
        """Whether the target itself returned trees by platform."""
        return self.parts[0].platform is not None


@frozen
class ScannableTree:
    """A tree for an SBOM scanner, which scans only that tree."""

    state: State
    no_cache: bool
    scanned: tuple[tuple[str, State], ...] = ()


@frozen
class TargetRunner:
    """A build of the file ``source``, whose targets are called by ``call``."""

    request: BuildRequest
    source: SourceFile
    call: Call

    @property
    def epoch(self) -> datetime | None:
        """The time of SOURCE_DATE_EPOCH; None if it is not set. Raises LLBError."""
        options = self.request.options
        value = options.build_args.get(SOURCE_DATE_EPOCH, "")
        return find_epoch(value, (), {}, options, Expander(), None)

    def run(self, target: Target, platform: Platform) -> TargetResult:
        """Call a target for a platform. Raises the target's own exceptions, and LLBError."""
        request, options = self.request, self.request.options
        watch = Stopwatch()
        host = GatewayHost(request, watch=watch)
        build = Build(
            platform=platform,
            build_platform=options.build_platform,
            platforms=request.client_options.platforms or (platform,),
            target=target.name,
            args=options.build_args,
            labels=options.labels,
            no_cache=options.no_cache is True,
            epoch=self.epoch,
            contexts=options.contexts,
            source=Source(self.source),
            host=host,
        )
        calls: Calls[Target] = Calls(build)
        parts = tuple(
            evolve(
                part,
                tree=resolve_images(part.tree, host, platform=part.platform or platform),
            )
            for part in self.call(target, calls, watch)
        )
        host.settle(part.tree for part in parts)
        return TargetResult(parts, calls.targets, tuple(host.warnings), build.epoch)

    def marshal(self, tree: State, platform: Platform, result: TargetResult) -> Definition:
        """Marshal a tree, and mark the steps that ignore the cache."""
        definition = tree.marshal(platform=platform, caps=self.request.gateway.caps.llb)
        no_cache = self.request.options.no_cache
        if no_cache is False:
            return definition
        uncached = set(definition.metadata)
        if no_cache is not True:
            names = set(map(folded, no_cache))
            uncached = {
                digest
                for digest, locations in definition.locations.items()
                if (owner := _owner(locations, result.targets)) and folded(owner.name) in names
            }
        steps = {vertex.digest for vertex in definition.vertices() if vertex.kind != "source"}
        steps &= uncached
        metadata = {
            digest: evolve(entry, ignore_cache=True) if digest in steps else entry
            for digest, entry in definition.metadata.items()
        }
        return evolve(definition, metadata=metadata)

    def result(self, target: Target) -> Result:
        """Build the images of a target for the platforms of the build."""
        options = self.request.client_options
        platforms = options.platforms or (options.build_platform,)
        # The first call reads the file, and shows what the target returns.
        first = _collected(self.run(target, platforms[0]))
        if first.is_by_platform:
            parts = _select_platforms(first, options.platforms)
        else:
            later = map_concurrently(
                lambda platform: (platform, _collected(self.run(target, platform))), platforms[1:]
            )
            parts = [
                (target_result, evolve(part, platform=platform))
                for platform, target_result in [(platforms[0], first), *later]
                for part in target_result.parts
            ]
        images = map_concurrently(lambda part: self._image(*part), parts)
        is_index = options.is_index or len(images) > 1
        result = Result.of_images([image for image, _ in images], is_index=is_index)
        if options.sbom is None:
            return result

        return result.with_attestations(sbom.scan(images, options, self.request.gateway))

    def _image(self, result: TargetResult, part: Part) -> tuple[PlatformImage, ScannableTree]:
        options, platform, tree = self.request.options, _platform(part), part.tree
        for key, value in options.labels.items():
            tree = tree.label(key, value)
        ref = self.request.gateway.solve(
            self.marshal(tree, platform, result),
            cache_imports=self.request.client_options.cache_imports,
        )
        if self.request.client_options.platforms or result.is_by_platform:
            # The image is for the requested platform, whatever platform its last step ran on.
            tree = tree.platform(platform)
        config = tree.image_config(platform=platform)
        image = PlatformImage(ref, platform, config, epoch=result.epoch)
        return image, ScannableTree(tree, no_cache=options.no_cache is True)


def _collected(result: TargetResult) -> TargetResult:
    """Collect trees by name in one tree, as directories.

    A result with several trees for one platform is an index for every exporter, and a mistake for
    the daemon, which warns about it.
    """
    if not result.parts[0].name:
        return result
    tree = Scratch()
    for part in result.parts:
        tree = tree.copy(
            part.tree,
            f"/{part.name}/",
            contents_only=True,
            create_dest_path=True,
            name=f"collect {part.name}",
            locations=(),
        )
    return evolve(result, parts=(Part(tree),))


def _select_platforms(
    result: TargetResult, platforms: tuple[Platform, ...]
) -> list[tuple[TargetResult, Part]]:
    """Select the trees of the requested platforms, or all. Raises InvalidValueError."""
    parts = {str(_platform(part).normalize()): part for part in result.parts}
    requested = [str(platform.normalize()) for platform in platforms] or list(parts)
    for key in requested:
        if key not in parts:
            raise InvalidValueError(
                f"the target does not build for {key}", hint=f"it builds for {', '.join(parts)}"
            )
    return [(result, parts[key]) for key in requested]


def _platform(part: Part) -> Platform:
    assert part.platform is not None
    return part.platform


def _owner(locations: Iterable[Location], targets: Iterable[Target]) -> Target | None:
    """Find the target that created a step: the innermost one in its call stack."""
    for location in locations:
        for target in targets:
            is_same_file = location.file.filename == target.filename
            if is_same_file and any(lines.line in target.lines for lines in location.ranges):
                return target
    return None
