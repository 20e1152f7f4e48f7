"""State of a conversion: the stages so far, and the context of their instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from llb import Image as LLBImage
from llb import Location, Platform, Range, Reference, Scratch, SourceFile, State
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.nodes import Run
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.sources.image import BLANK, WINDOWS, scratch_config, without_version
from llb.dockerfile.sources.named_contexts import ResolvedContext
from llb.dockerfile.sources.windows_paths import DRIVE, to_slashes
from llb.dockerfile.to_llb.image_draft import ImageDraft
from llb.dockerfile.to_llb.local_context import to_context
from llb.dockerfile.to_llb.step_names import COMMAND, Numbering, describe_command
from llb.gocompat.path import absolute, clean
from llb.ops.env import EnvIndex
from llb.sources.image_resolver import ResolvedImage
from llb.state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from llb.dockerfile.instructions.nodes import Origin, TakesFromStage
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.dockerfile.sources.requests import Found
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.stages.stage import Stage
    from llb.dockerfile.to_llb.local_context import Context
    from llb.state.image_config import ImageConfig
    from llb.state.step_options import StepOptions


_NORMALIZING = f"normalizing workdir: normalizing working directory: {DRIVE}"


@define(eq=False)
class _StageBase:
    """What a stage begins with; ``base`` is the config of its base image in a registry."""

    state: State
    image: ImageConfig
    platform: Platform
    base: ImageConfig | None = None
    context: Context | None = None
    base_stage: StageResult | None = None


@define(eq=False)
class StageResult:
    """The current state of a stage: files and settings, image config, arguments.

    ``context`` is the named context that it or its base begins with. ``arguments`` are the values
    of the last declarations, ``scans`` the values of the arguments that choose the trees of an
    SBOM.
    """

    stage: Stage
    state: State
    image: ImageDraft
    base: ImageConfig | None
    platform: Platform
    numbering: Numbering
    no_cache: bool
    epoch: datetime | None
    context: Context | None = None
    arguments: dict[str, str | None] = field(factory=dict)
    scans: dict[str, str] = field(factory=dict)
    cmd_is_set: bool = False
    _history_args: str | None = field(default=None, init=False)
    _variables: EnvIndex = field(factory=EnvIndex, init=False)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables of the state, for expansion and processes."""
        return self._variables.follow(self.state.settings.process.env)

    def use(self, path: str) -> None:
        """Record that a step reads ``path`` of the stage."""
        if self.context is not None:
            self.context.use(path)

    def commit(self, created_by: str, *, layer: bool = False) -> None:
        """Add an entry to the history of the image."""
        self.image.add_history(created_by, layer=layer, created=self.epoch)

    def set_variables(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Set variables, for expansion and for processes, but not in the image."""
        self.state = with_variables(self.state, pairs)
        self._history_args = None

    def declare(self, name: str, value: str | None) -> None:
        """Declare an argument, with or without a value."""
        self.arguments[name] = value
        self._history_args = None

    @property
    def history_args(self) -> str:
        """The arguments in front of a command in the image history: ``|2 A=1 B=2 ``."""
        if self._history_args is None:
            env = self.env
            values = [
                f"{name}={env.get(name, value or '')}" for name, value in self.arguments.items()
            ]
            self._history_args = f"|{len(values)} {' '.join(values)} " if values else ""
        return self._history_args

    def set_workdir(self, path: str) -> None:
        """Change the working directory; a relative path begins at the current one."""
        # Docker keeps an absolute path as it is written, and an empty path is the current one.
        current = self.path(self.image.workdir or "/")
        path = self.path(path, _NORMALIZING) if path else current
        if self.is_windows:
            path = clean(path)
        cwd = path if path.startswith("/") else absolute(current, path)
        self.image.workdir = cwd.replace("/", "\\") if self.is_windows else cwd
        self.state = self.state.workdir(cwd)

    @property
    def is_windows(self) -> bool:
        """Whether the stage is for Windows."""
        return self.platform.os == WINDOWS

    def path(self, path: str, doing: str = DRIVE) -> str:
        """Convert a path to that of LLB, which differs for Windows.

        Raises InvalidValueError.
        """
        return to_slashes(path, doing) if self.is_windows else path

    def set_user(self, name: str) -> None:
        """Change the user of processes."""
        self.image.user = name
        self.state = self.state.user(name)

    def inherit(self, image: ImageConfig) -> None:
        """Inherit the variables, directory and user of the base image."""
        variables = image.variables
        if "PATH" not in variables and not self.is_windows:
            variables["PATH"] = DEFAULT_PATH_ENV
            self.image.set_variable("PATH", DEFAULT_PATH_ENV)
        self.state = with_variables(self.state, tuple(variables.items()))
        if image.workdir:
            self.set_workdir(image.workdir)
        if image.user:
            self.set_user(image.user)


class Conversion:
    """A conversion of a stage graph, with its options, build context and results so far."""

    def __init__(
        self,
        graph: StageGraph,
        source: errors.Source,
        escape: str,
        options: ConvertOptions,
        images: Found,
    ) -> None:
        self.graph = graph
        self.source = source
        self.options = options
        self.expander = Expander(escape=escape)
        self.naming = Expander(escape=escape, raw_quotes=True, raw_escapes=True, keep_unset=True)
        self._scratch_config = scratch_config(options.platform)
        self.context = to_context(
            options.local_context if options.context is None else options.context
        )
        self.results: dict[Stage, StageResult] = {}
        self._images = images
        self._non_utf8: Origin | None = None
        self._contexts = [self.context]
        self._file = SourceFile(
            filename=source.filename,
            data=source.data,
            language="Dockerfile",
            definition=options.definition,
        )

    def begin(self, stage: Stage) -> StageResult:
        """Create the result of a stage before its first instruction, and store it."""
        numbering = Numbering(stage.label, stage.steps, stage.numbered)
        start = self._stage_base(stage, numbering)
        result = StageResult(
            stage=stage,
            state=start.state,
            image=ImageDraft(start.image),
            base=start.base,
            platform=start.platform,
            numbering=numbering,
            no_cache=self.options.is_no_cache(stage.name),
            epoch=self.graph.epoch,
            context=start.context,
        )
        if start.base_stage is not None:
            result.arguments.update(start.base_stage.arguments)
            result.scans.update(start.base_stage.scans)
        # Docker counts the ONBUILD triggers only after it numbered the base image.
        numbering.total += len(stage.triggers)
        numbering.platform = start.platform if self.options.is_index else None
        if stage.begin is not None and not stage.is_replaced:
            result.inherit(start.image)
        self.results[stage] = result
        return result

    def locations(self, origin: Origin) -> tuple[Location, ...]:
        """Locate an instruction, with one range for each line."""
        first, last = origin.lines
        ranges = tuple([Range(line, line) for line in range(first, max(first, last) + 1)])
        return (Location(self._file, ranges),)

    def step(
        self, origin: Origin, name: str, *, ignore_cache: bool = False, describe: bool = False
    ) -> StepOptions:
        """Create the step options of an instruction: name, lines, and whether to ignore the cache.

        ``describe`` adds the code of the instruction, which Docker does only for RUN.
        """
        options: StepOptions = {
            "name": name,
            "ignore_cache": ignore_cache,
            "locations": self.locations(origin),
        }
        if describe:
            options["description"] = describe_command(origin)
        return options

    def mark_non_utf8(self, origin: Origin) -> None:
        """Record that an instruction has bytes that are not UTF-8, so LLB cannot encode it."""
        self._non_utf8 = self._non_utf8 or origin

    def finish(self, target: StageResult) -> None:
        """Finish the contexts after all uses are recorded; the target uses its whole context.

        Raises DockerfileError if an instruction was marked as not UTF-8.
        """
        if self._non_utf8 is not None:
            raise errors.not_utf8(self._non_utf8.span)
        target.use("/")
        for context in self._contexts:
            context.finish()

    def source_of(
        self, result: StageResult, instruction: TakesFromStage, index: int = 0
    ) -> StageResult:
        """Look up a stage or image that an instruction takes from, by its index in ``stages``."""
        stage = result.stage.needs[instruction, index]
        if stage.begin is None and stage not in self.results:
            self.begin(stage)
        if stage not in self.results:
            verb = "mount" if isinstance(instruction, Run) else "copy"
            name = instruction.stages[index]
            raise errors.later_stage(instruction.origin.span, name, result.stage.label, verb)
        return self.results[stage]

    def _image_locations(self, stage: Stage) -> tuple[Location, ...]:
        """Locate an image; for one that is mounted, Docker records only the file."""
        if stage.mounted:
            return (Location(self._file, ()),)
        return self.locations(stage.origin)

    def _stage_base(self, stage: Stage, numbering: Numbering) -> _StageBase:
        """Create the initial state of a stage from its base stage, image or named context."""
        if stage.base is not None:
            base_stage = self.results[stage.base]
            image = base_stage.image.to_config()
            return _StageBase(
                base_stage.state,
                image,
                base_stage.platform,
                base_stage.base,
                base_stage.context,
                base_stage,
            )
        if stage.context is not None:
            return self._context_base(stage, stage.context)
        if stage.image is None:
            platform = self.options.platform
            return _StageBase(Scratch(), self._scratch_config, platform)
        resolved = self._images[stage.image]
        assert isinstance(resolved, ResolvedImage)
        image = resolved.image
        platform = stage.platform or self.options.detect_platform(without_version(image.platform))
        if image.is_empty:
            return _StageBase(Scratch(), image, platform, image)
        if self.options.is_index:
            numbering.platform = platform
        ref = str(Reference.parse(resolved.ref or stage.image.ref).pinned(resolved.digest))
        state = LLBImage(
            ref,
            platform=platform,
            inherit_config=False,
            resolve_mode=self.options.resolve_mode,
            description=describe_command(stage.origin) if stage.begin else {COMMAND: ""},
            name=numbering.next(f"FROM {ref}"),
            locations=self._image_locations(stage),
        )
        return _StageBase(state, image, platform, image)

    def _context_base(self, stage: Stage, request: ContextRequest) -> _StageBase:
        """Begin with a named context, which replaces an image or a whole stage."""
        resolved = self._images[request]
        assert isinstance(resolved, ResolvedContext)
        context = to_context(resolved.tree)
        self._contexts.append(context)
        if not request.is_stage:
            platform = stage.platform or self.options.platform
            base = resolved.image or scratch_config(platform)
            return _StageBase(context.state.platform(platform), base, platform, base, context)
        image = resolved.image
        if image is None:
            return _StageBase(context.state, BLANK, self.options.platform, context=context)
        platform = without_version(image.platform) if image.has_platform else self.options.platform
        return _StageBase(context.state, image, platform, context=context)


def with_variables(state: State, pairs: Sequence[tuple[str, str]]) -> State:
    """Set variables in a state, including names that the library refuses.

    Docker accepts names that result from expansion or come from an image config, even empty ones
    and names that contain an equals sign.
    """
    settings = state.settings
    changed = settings.process.with_env(settings.process.env.set_all(pairs))
    settings = Settings(changed, settings.platform, settings.mounts, settings.proxy)
    return State(state.output, settings, state.config, state.last_run)
