"""What functions make of a build: targets are called for each platform, and become a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.buildfile import Build, Source
from llb.buildfile.current import Calls
from llb.buildfile.running import Stopwatch
from llb.buildfile.target import folded
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import InvalidValueError
from llb.frontend.authoring.gateway_host import GatewayHost
from llb.frontend.dockerui.concurrent import each
from llb.gateway import PlatformImage, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from llb import Definition, Location, Platform, SourceFile, State
    from llb.buildfile import Target
    from llb.buildfile.running import Part
    from llb.frontend.dockerui.open import Opened

    Call = Callable[[Target, Calls[Target], Stopwatch], tuple[Part, ...]]


@frozen
class Made:
    """What a target comes to when it is called for a platform.

    ``targets`` are those that were called, and ``warnings`` what they said.
    """

    parts: tuple[Part, ...]
    targets: tuple[Target, ...]
    warnings: tuple[tuple[str, Location | None], ...]
    epoch: datetime | None

    @property
    def is_by_platform(self) -> bool:
        """Whether the target made trees for platforms by itself."""
        return self.parts[0].platform is not None


@frozen
class Built:
    """A tree with what a scanner looks at: that tree alone."""

    state: State
    no_cache: bool
    scanned: tuple[tuple[str, State], ...] = ()


@frozen
class Maker:
    """A build whose file is ``source``, and how its targets are called."""

    opened: Opened
    source: SourceFile
    call: Call

    @property
    def epoch(self) -> datetime | None:
        """The time that SOURCE_DATE_EPOCH says, None for none. Raises LLBError."""
        options = self.opened.options
        value = options.build_args.get(SOURCE_DATE_EPOCH, "")
        return find_epoch(value, (), {}, options, Expander(), None)

    def make(self, target: Target, platform: Platform) -> Made:
        """Return what a target comes to. Raises what it raises, and LLBError."""
        opened, options = self.opened, self.opened.options
        watch = Stopwatch()
        host = GatewayHost(opened, watch=watch)
        build = Build(
            platform=platform,
            build_platform=options.build_platform,
            platforms=opened.asked.platforms or (platform,),
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
        parts = self.call(target, calls, watch)
        host.settle(part.tree for part in parts)
        return Made(parts, calls.targets, tuple(host.warnings), build.epoch)

    def marshal(self, tree: State, platform: Platform, made: Made) -> Definition:
        """Return the steps of a tree, those to be run anew marked so."""
        definition = tree.marshal(platform=platform, caps=self.opened.gateway.caps.llb)
        wanted = self.opened.options.no_cache
        if wanted is False:
            return definition
        anew = set(definition.metadata)
        if wanted is not True:
            names = set(map(folded, wanted))
            anew = {
                digest
                for digest, locations in definition.locations.items()
                if (owner := _owner(locations, made.targets)) and folded(owner.name) in names
            }
        steps = {each.digest for each in definition.vertices() if each.kind != "source"} & anew
        metadata = {
            digest: evolve(each, ignore_cache=True) if digest in steps else each
            for digest, each in definition.metadata.items()
        }
        return evolve(definition, metadata=metadata)

    def result(self, target: Target) -> Result:
        """Return the images that a target makes for the platforms of the build."""
        options = self.opened.asked
        wanted = options.platforms or (options.build_platform,)
        # The first one reads the file, and tells what the target returns.
        first = self.make(target, wanted[0])
        if first.is_by_platform:
            parts = _chosen(first, options.platforms)
        else:
            rest = each(lambda platform: (platform, self.make(target, platform)), wanted[1:])
            parts = [
                (made, _named(part, platform, wanted))
                for platform, made in [(wanted[0], first), *rest]
                for part in made.parts
            ]
        images = each(lambda part: self._image(*part), parts)
        is_index = options.is_index or len(images) > 1 or bool(parts[0][1].name)
        result = Result.of_images([image for image, _ in images], is_index=is_index)
        if options.sbom is None:
            return result
        # It is asked for seldom.
        from llb.frontend.dockerui.sbom import scan  # noqa: PLC0415

        return result.with_attestations(scan(images, options, self.opened.gateway))

    def _image(self, made: Made, part: Part) -> tuple[PlatformImage, Built]:
        options, platform, tree = self.opened.options, _platform(part), part.tree
        for key, value in options.labels.items():
            tree = tree.label(key, value)
        ref = self.opened.gateway.solve(
            self.marshal(tree, platform, made),
            cache_imports=self.opened.asked.cache_imports,
        )
        if self.opened.asked.platforms or made.is_by_platform:
            # What was asked for is what the image is for, whatever its last step ran on.
            tree = tree.platform(platform)
        config = tree.image_config(platform=platform)
        image = PlatformImage(ref, platform, config, epoch=made.epoch, name=part.name)
        return image, Built(tree, no_cache=options.no_cache is True)


def _chosen(made: Made, wanted: tuple[Platform, ...]) -> list[tuple[Made, Part]]:
    """Return those of the trees by platform that a client asked for. Raises InvalidValueError."""
    there = {str(_platform(part).normalize()): part for part in made.parts}
    asked = [str(platform.normalize()) for platform in wanted] or list(there)
    for key in asked:
        if key not in there:
            raise InvalidValueError(
                f"the target makes nothing for {key}", hint=f"it does for {', '.join(there)}"
            )
    return [(made, there[key]) for key in asked]


def _named(part: Part, platform: Platform, wanted: tuple[Platform, ...]) -> Part:
    """Return a part for a platform; its name tells it apart from those for others."""
    name = f"{part.name}/{platform}" if part.name and len(wanted) > 1 else part.name
    return evolve(part, platform=platform, name=name)


def _platform(part: Part) -> Platform:
    assert part.platform is not None
    return part.platform


def _owner(locations: Iterable[Location], targets: Iterable[Target]) -> Target | None:
    """Return the target that made a step: the nearest one on the way to it."""
    for place in locations:
        for target in targets:
            is_here = place.file.filename == target.filename
            if is_here and any(found.line in target.lines for found in place.ranges):
                return target
    return None
