"""A conversion under way: the stages that are done, and what instructions need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from frontend.dockerfile import errors
from frontend.dockerfile.convert.context import Context
from frontend.dockerfile.convert.naming import COMMAND, Numbering
from frontend.dockerfile.expand import Expander
from frontend.dockerfile.image import DEFAULT_PATH, Image
from llb import Image as LLBImage
from llb import Location, Platform, Range, Reference, Scratch, SourceFile, State
from llb.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontend.dockerfile.instructions import Copy, Origin
    from frontend.dockerfile.options import ConvertOptions
    from frontend.dockerfile.stages import ImageRequest, Stage, StageGraph


@frozen
class ResolvedImage:
    """An image as a registry has it: its digest and its config in JSON."""

    digest: str
    config: bytes = field(repr=False)


@define(eq=False)
class StageResult:
    """What a stage has come to: files and settings, image config, arguments."""

    stage: Stage
    state: State
    image: Image
    platform: Platform
    numbering: Numbering
    no_cache: bool
    arguments: list[tuple[str, str | None]] = field(factory=list)
    cmd_is_set: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The variables that expansion and processes see."""
        return dict(self.state.settings.env.items())

    def configure(self, key: str, value: object) -> None:
        """Set an entry of the image config."""
        self.image = self.image.with_config(key, value)

    def commit(self, text: str, *, layer: bool = False) -> None:
        """Add a step to the history of the image."""
        self.image = self.image.with_history(text, layer=layer)

    def set_workdir(self, path: str) -> None:
        """Change the directory, a relative path taken from the present one."""
        cwd = absolute(self.image.get("WorkingDir") or "/", path)
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
        numbering = Numbering(stage.label, stage.steps)
        no_cache = self.options.is_no_cache(stage.name)
        if stage.base is not None:
            base = self.results[stage.base]
            arguments = list(base.arguments)
            result = StageResult(
                stage, base.state, base.image, base.platform, numbering, no_cache, arguments
            )
        elif stage.image is None:
            platform = self.options.platform
            image = Image.empty(platform)
            result = StageResult(stage, Scratch(), image, platform, numbering, no_cache)
        else:
            state, image = self._from_image(stage, stage.image, numbering)
            platform = stage.image.platform
            result = StageResult(stage, state, image, platform, numbering, no_cache)
        if stage.begin is not None:
            result.inherit()
        self.results[stage] = result
        return result

    def locations(self, origin: Origin) -> tuple[Location, ...]:
        """Return the lines of an instruction, one range for each line."""
        first, last = origin.lines
        ranges = tuple(Range(line, line) for line in range(first, max(first, last) + 1))
        return (Location(self._file, ranges),)

    def source_of(self, result: StageResult, instruction: Copy) -> State:
        """Return the tree that a copy takes from."""
        if instruction.stage is None:
            return self.context.state
        stage = result.stage.needs[instruction]
        if stage.begin is None and stage not in self.results:
            self.begin(stage)
        if stage not in self.results:
            raise errors.later_stage(instruction.origin.span, instruction.stage, result.stage.label)
        return self.results[stage].state

    def _from_image(
        self, stage: Stage, request: ImageRequest, numbering: Numbering
    ) -> tuple[State, Image]:
        resolved = self._images[request]
        image = Image.parse(resolved.config)
        if image.get("OnBuild") and stage.begin is not None:
            raise errors.unsupported(
                stage.origin.span, f"the ONBUILD instructions of {request.ref}"
            )
        if image.is_empty:
            return Scratch(), image
        ref = str(Reference.parse(request.ref).pinned(resolved.digest))
        state = LLBImage(
            ref,
            platform=request.platform,
            resolve_mode=self.options.resolve_mode,
            description={COMMAND: stage.origin.code if stage.begin else ""},
            name=numbering.next(f"FROM {ref}"),
            locations=self.locations(stage.origin),
        )
        return state, image
