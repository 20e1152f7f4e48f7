"""A conversion under way: the stages that are done, and what instructions need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from frontend.dockerfile import errors
from frontend.dockerfile.convert.context import Context
from frontend.dockerfile.convert.naming import COMMAND, Numbering
from frontend.dockerfile.expand import Expander
from frontend.dockerfile.image import DEFAULT_PATH, Image, ResolvedImage
from frontend.dockerfile.instructions import Copy
from llb import Image as LLBImage
from llb import Location, Platform, Range, Reference, Scratch, SourceFile, State
from llb.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from frontend.dockerfile.instructions import Origin, Run
    from frontend.dockerfile.options import ConvertOptions
    from frontend.dockerfile.stages import ImageRequest, Stage, StageGraph


@frozen
class _Beginning:
    """What a stage begins with; ``image`` is the config so far, ``base`` that of the image below."""

    state: State
    image: Image
    platform: Platform
    base: Image | None = None
    arguments: tuple[tuple[str, str | None], ...] = ()


@define(eq=False)
class StageResult:
    """What a stage has come to: files and settings, image config, arguments."""

    stage: Stage
    state: State
    image: Image
    base: Image | None
    platform: Platform
    numbering: Numbering
    no_cache: bool
    epoch: datetime | None
    arguments: list[tuple[str, str | None]] = field(factory=list)
    cmd_is_set: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The variables that expansion and processes see."""
        return dict(self.state.variables)

    def configure(self, key: str, value: object) -> None:
        """Set an entry of the image config."""
        self.image = self.image.with_config(key, value)

    def commit(self, text: str, *, layer: bool = False) -> None:
        """Add a step to the history of the image."""
        self.image = self.image.with_history(text, layer=layer, created=self.epoch)

    def set_workdir(self, path: str) -> None:
        """Change the directory, a relative path taken from the present one."""
        # Docker leaves an absolute path as it is written.
        present = self.image.get("WorkingDir") or "/"
        cwd = path if path.startswith("/") else absolute(present, path)
        self.configure("WorkingDir", cwd)
        self.state = self.state.workdir(cwd)

    def set_user(self, name: str) -> None:
        """Change the user of processes."""
        self.configure("User", name)
        self.state = self.state.user(name)

    def inherit(self) -> None:
        """Take over what the config of the base says about processes."""
        if "PATH" not in self.image.env:
            self.configure("Env", [*(self.image.get("Env") or ()), f"PATH={DEFAULT_PATH}"])
        for key, value in self.image.env.items():
            self.state = self.state.env(key, value)
        if self.image.get("WorkingDir"):
            self.set_workdir(self.image.get("WorkingDir"))
        if self.image.get("User"):
            self.set_user(self.image.get("User"))


class Conversion:
    """The stages of a graph on their way to LLB, with the options and the build context."""

    def __init__(
        self,
        graph: StageGraph,
        source: errors.Source,
        escape: str,
        options: ConvertOptions,
        images: Mapping[ImageRequest, ResolvedImage],
    ) -> None:
        self.graph = graph
        self.options = options
        self.expander = Expander(escape=escape)
        self.context = Context(options)
        self.results: dict[Stage, StageResult] = {}
        self._images = images
        self._file = SourceFile(
            filename=source.filename,
            data=source.data,
            language="Dockerfile",
            definition=options.definition,
        )

    def begin(self, stage: Stage) -> StageResult:
        """Return the result of a stage before its first instruction, and keep it."""
        numbering = Numbering(stage.label, stage.steps, stage.numbered)
        beginning = self._beginning(stage, numbering)
        result = StageResult(
            stage=stage,
            state=beginning.state,
            image=beginning.image,
            base=beginning.base,
            platform=beginning.platform,
            numbering=numbering,
            no_cache=self.options.is_no_cache(stage.name),
            epoch=self.graph.epoch,
            arguments=list(beginning.arguments),
        )
        # What ONBUILD left is counted in only once the image has its number.
        numbering.total += len(stage.triggers)
        if stage.begin is not None:
            result.inherit()
        self.results[stage] = result
        return result

    def locations(self, origin: Origin) -> tuple[Location, ...]:
        """Return the lines of an instruction, one range for each line."""
        first, last = origin.lines
        ranges = tuple(Range(line, line) for line in range(first, max(first, last) + 1))
        return (Location(self._file, ranges),)

    def source_of(self, result: StageResult, instruction: Copy | Run, place: int = 0) -> State:
        """Return the tree of one of the stages and images that an instruction takes from."""
        stage = result.stage.needs[instruction, place]
        if stage.begin is None and stage not in self.results:
            self.begin(stage)
        if stage not in self.results:
            verb = "copy" if isinstance(instruction, Copy) else "mount"
            name = instruction.stages[place]
            raise errors.later_stage(instruction.origin.span, name, result.stage.label, verb)
        return self.results[stage].state

    def _image_locations(self, stage: Stage) -> tuple[Location, ...]:
        """Return the place of an image; of one that is mounted Docker tells just the file."""
        if stage.mounted:
            return (Location(self._file, ()),)
        return self.locations(stage.origin)

    def _beginning(self, stage: Stage, numbering: Numbering) -> _Beginning:
        if stage.base is not None:
            below = self.results[stage.base]
            image = below.image.with_config("OnBuild", None)
            arguments = tuple(below.arguments)
            return _Beginning(below.state, image, below.platform, below.base, arguments)
        if stage.image is None:
            platform = self.options.platform
            return _Beginning(Scratch(), Image.empty(platform), platform)
        resolved = self._images[stage.image]
        image = resolved.image.with_config("OnBuild", None)
        platform = stage.platform or self.options.detect_platform(image.for_platform)
        if platform.os == "windows":
            raise errors.unsupported(stage.origin.span, f"{stage.image.ref} for Windows")
        if image.is_empty:
            return _Beginning(Scratch(), image, platform, image)
        ref = str(Reference.parse(stage.image.ref).pinned(resolved.digest))
        state = LLBImage(
            ref,
            platform=platform,
            resolve_mode=self.options.resolve_mode,
            description={COMMAND: stage.origin.code if stage.begin else ""},
            name=numbering.next(f"FROM {ref}"),
            locations=self._image_locations(stage),
        )
        return _Beginning(state, image, platform, image)
