"""A conversion under way: the stages that are done, and what instructions need to know."""

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
from llb.dockerfile.to_llb.step_names import COMMAND, Numbering, described
from llb.gocompat.path import absolute, clean
from llb.ops.env import EnvIndex
from llb.sources.image_resolver import ResolvedImage
from llb.state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from llb.dockerfile.instructions.nodes import Origin, Taking
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
class _Beginning:
    """What a stage begins with; ``base`` is the config of the image in a registry below it."""

    state: State
    image: ImageConfig
    platform: Platform
    base: ImageConfig | None = None
    context: Context | None = None
    below: StageResult | None = None


@define(eq=False)
class StageResult:
    """What a stage has come to: files and settings, image config, arguments.

    ``context`` is the named context that it or its base begins with. ``arguments`` have the
    values of their last declarations, ``scans`` those of the arguments that choose the trees of
    an SBOM.
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
    _given: str | None = field(default=None, init=False)
    _variables: EnvIndex = field(factory=EnvIndex, init=False)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables of the state, which expansion and processes see."""
        return self._variables.follow(self.state.settings.process.env)

    def use(self, path: str) -> None:
        """Note that something reads ``path`` of the stage."""
        if self.context is not None:
            self.context.use(path)

    def commit(self, text: str, *, layer: bool = False) -> None:
        """Add a step to the history of the image."""
        self.image.add_history(text, layer=layer, created=self.epoch)

    def set_variables(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Set variables, for expansion and for processes, but not in the image."""
        self.state = with_variables(self.state, pairs)
        self._given = None

    def declare(self, name: str, value: str | None) -> None:
        """Note that an argument is declared, with a value or without one."""
        self.arguments[name] = value
        self._given = None

    @property
    def given(self) -> str:
        """The arguments as they stand before a command in the history of the image."""
        if self._given is None:
            env = self.env
            values = [
                f"{name}={env.get(name, value or '')}" for name, value in self.arguments.items()
            ]
            self._given = f"|{len(values)} {' '.join(values)} " if values else ""
        return self._given

    def set_workdir(self, path: str) -> None:
        """Change the directory, a relative path taken from the present one."""
        # Docker leaves an absolute path as it is written, and takes none as the present one.
        present = self.path(self.image.workdir or "/")
        path = self.path(path, _NORMALIZING) if path else present
        if self.is_windows:
            path = clean(path)
        cwd = path if path.startswith("/") else absolute(present, path)
        self.image.workdir = cwd.replace("/", "\\") if self.is_windows else cwd
        self.state = self.state.workdir(cwd)

    @property
    def is_windows(self) -> bool:
        """Whether it is for Windows."""
        return self.platform.os == WINDOWS

    def path(self, text: str, doing: str = DRIVE) -> str:
        """Return a path as LLB has it, which for Windows is not as it is written.

        Raises InvalidValueError.
        """
        return to_slashes(text, doing) if self.is_windows else text

    def set_user(self, name: str) -> None:
        """Change the user of processes."""
        self.image.user = name
        self.state = self.state.user(name)

    def inherit(self, image: ImageConfig) -> None:
        """Take over what the config of the base says about processes."""
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
    """The stages of a graph on their way to LLB, with the options and the build context."""

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
        self.naming = Expander(escape=escape, raw_quotes=True, keep_unset=True)
        self._nothing = scratch_config(options.platform)
        self.context = to_context(
            options.local_context if options.context is None else options.context
        )
        self.results: dict[Stage, StageResult] = {}
        self._images = images
        self._unwritable: Origin | None = None
        self._contexts = [self.context]
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
            image=ImageDraft(beginning.image),
            base=beginning.base,
            platform=beginning.platform,
            numbering=numbering,
            no_cache=self.options.is_no_cache(stage.name),
            epoch=self.graph.epoch,
            context=beginning.context,
        )
        if beginning.below is not None:
            result.arguments.update(beginning.below.arguments)
            result.scans.update(beginning.below.scans)
        # What ONBUILD left is counted in only once the image has its number.
        numbering.total += len(stage.triggers)
        numbering.platform = beginning.platform if self.options.is_index else None
        if stage.begin is not None and not stage.is_replaced:
            result.inherit(beginning.image)
        self.results[stage] = result
        return result

    def locations(self, origin: Origin) -> tuple[Location, ...]:
        """Return the lines of an instruction, one range for each line."""
        first, last = origin.lines
        ranges = tuple([Range(line, line) for line in range(first, max(first, last) + 1)])
        return (Location(self._file, ranges),)

    def step(
        self, origin: Origin, name: str, *, ignore_cache: bool = False, describe: bool = False
    ) -> StepOptions:
        """Describe the step of an instruction: its name, its lines, and whether it ignores the cache.

        ``describe`` adds the text of the instruction, which Docker does for RUN alone.
        """
        options: StepOptions = {
            "name": name,
            "ignore_cache": ignore_cache,
            "locations": self.locations(origin),
        }
        if describe:
            options["description"] = described(origin)
        return options

    def note_unwritable(self, origin: Origin) -> None:
        """Note that an operation cannot hold what an instruction says."""
        self._unwritable = self._unwritable or origin

    def settle(self, target: StageResult) -> None:
        """Note that all uses of contexts are known, and that all of the target is wanted.

        Raises DockerfileError where an operation could not hold what an instruction says.
        """
        if self._unwritable is not None:
            raise errors.not_utf8(self._unwritable.span)
        target.use("/")
        for each in self._contexts:
            each.settle()

    def source_of(self, result: StageResult, instruction: Taking, place: int = 0) -> StageResult:
        """Return one of the stages and images that an instruction takes from."""
        stage = result.stage.needs[instruction, place]
        if stage.begin is None and stage not in self.results:
            self.begin(stage)
        if stage not in self.results:
            verb = "mount" if isinstance(instruction, Run) else "copy"
            name = instruction.stages[place]
            raise errors.later_stage(instruction.origin.span, name, result.stage.label, verb)
        return self.results[stage]

    def _image_locations(self, stage: Stage) -> tuple[Location, ...]:
        """Return the place of an image; of one that is mounted Docker tells just the file."""
        if stage.mounted:
            return (Location(self._file, ()),)
        return self.locations(stage.origin)

    def _beginning(self, stage: Stage, numbering: Numbering) -> _Beginning:
        if stage.base is not None:
            below = self.results[stage.base]
            image = below.image.to_config()
            return _Beginning(below.state, image, below.platform, below.base, below.context, below)
        if stage.context is not None:
            return self._in_context(stage, stage.context)
        if stage.image is None:
            platform = self.options.platform
            return _Beginning(Scratch(), self._nothing, platform)
        resolved = self._images[stage.image]
        assert isinstance(resolved, ResolvedImage)
        image = resolved.image
        platform = stage.platform or self.options.detect_platform(without_version(image.platform))
        if image.is_empty:
            return _Beginning(Scratch(), image, platform, image)
        if self.options.is_index:
            numbering.platform = platform
        ref = str(Reference.parse(resolved.ref or stage.image.ref).pinned(resolved.digest))
        state = LLBImage(
            ref,
            platform=platform,
            resolve_mode=self.options.resolve_mode,
            description=described(stage.origin) if stage.begin else {COMMAND: ""},
            name=numbering.next(f"FROM {ref}"),
            locations=self._image_locations(stage),
        )
        return _Beginning(state, image, platform, image)

    def _in_context(self, stage: Stage, request: ContextRequest) -> _Beginning:
        """Begin with a named context, which stands for an image or for all of a stage."""
        resolved = self._images[request]
        assert isinstance(resolved, ResolvedContext)
        context = to_context(resolved.tree)
        self._contexts.append(context)
        if not request.is_stage:
            platform = stage.platform or self.options.platform
            base = resolved.image or scratch_config(platform)
            return _Beginning(context.state.platform(platform), base, platform, base, context)
        image = resolved.image
        if image is None:
            return _Beginning(context.state, BLANK, self.options.platform, context=context)
        platform = without_version(image.platform) if image.has_platform else self.options.platform
        return _Beginning(context.state, image, platform, context=context)


def with_variables(state: State, pairs: Sequence[tuple[str, str]]) -> State:
    """Return the state with variables set, names included that the library refuses.

    Docker takes what expansion, or the config of an image, makes of a name: an empty one, or one
    with an equals sign in it.
    """
    settings = state.settings
    changed = settings.process.with_env(settings.process.env.set_all(pairs))
    settings = Settings(changed, settings.platform, settings.mounts, settings.proxy)
    return State(state.output, settings, state.config, state.last_run)
