"""The stages of a Dockerfile: which there are, which the target needs, and their images."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from frontend.dockerfile import epoch, errors
from frontend.dockerfile.expand import Expander, ExpansionError
from frontend.dockerfile.instructions import (
    SCRATCH,
    Arg,
    Copy,
    From,
    Instruction,
    Onbuild,
    Origin,
    Run,
    Workdir,
)
from frontend.dockerfile.interpret import interpret_trigger
from llb import Platform, Reference
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from frontend.dockerfile.image import ResolvedImage
    from frontend.dockerfile.options import ConvertOptions
    from llb.errors import Span


@frozen
class ImageRequest:
    """An image whose digest and config a conversion needs; ``ref`` is in full form."""

    ref: str
    platform: Platform
    span: Span = field(eq=False, repr=False)


@define(eq=False)
class Stage:
    """A stage, or an image that a stage copies from.

    ``origin`` is the FROM that begins it, or the instruction that takes from the image.
    ``base`` is the stage that it builds upon, else ``image`` the one in a registry;
    both are absent for scratch. ``needs`` are the stages that it copies from or mounts,
    by the instruction that does and the place in its ``stages``. ``mounted`` is whether
    it is an image that a RUN mounts. ``triggers`` are the instructions that ONBUILD left
    in the base, which come before its own. ``numbered`` is how often Docker has numbered
    the image before it found out that the stage is needed.
    """

    begin: From | None
    label: str
    name: str | None
    platform: Platform | None
    base: Stage | None
    image: ImageRequest | None
    origin: Origin = field(repr=False)
    instructions: list[Instruction] = field(factory=list, repr=False)
    needs: dict[tuple[Copy | Run, int], Stage] = field(factory=dict, repr=False)
    mounted: bool = False
    triggers: tuple[Instruction, ...] = ()
    numbered: int = 0

    @property
    def steps(self) -> int:
        """How many steps are numbered: the image, and its own that change files.

        An image that is just copied from has no numbers.
        """
        if self.begin is None:
            return 0
        counted = sum(isinstance(each, Run | Copy | Workdir) for each in self.instructions)
        return counted + (self.image is not None)

    def below(self) -> Iterable[Stage]:
        """Return the stages that this one needs first."""
        return (*((self.base,) if self.base else ()), *self.needs.values())


@frozen
class StageGraph:
    """All stages in order, the target, those it needs, and the global arguments.

    ``stages`` also holds images that are copied from, after the stages of the file.
    ``build_args`` are those that were given, ``epoch`` the time that they say.
    """

    stages: tuple[Stage, ...]
    target: Stage
    reachable: frozenset[Stage]
    arguments: Mapping[str, str]
    build_args: Mapping[str, str]
    epoch: datetime | None

    @property
    def images(self) -> tuple[ImageRequest, ...]:
        """The images of the reachable stages, each once."""
        found = (stage.image for stage in self.stages if stage in self.reachable)
        return tuple(dict.fromkeys(image for image in found if image is not None))


def build_graph(
    source: errors.Source,
    instructions: tuple[Instruction, ...],
    escape: str,
    options: ConvertOptions,
    images: Mapping[ImageRequest, ResolvedImage],
) -> StageGraph:
    """Return the stages with what they need of each other. Raises DockerfileError.

    What ONBUILD left in the images is part of it as far as ``images`` are known.
    """
    builder = _Builder(source, Expander(escape=escape), options, dict(options.build_args))
    stages = builder.stages(instructions)
    for stage in list(stages):
        builder.connect(stage, stage.instructions, stages)
    target = _target(source, stages, builder.by_name, options.target)
    _check_cycles(stages)
    if len(stages) == 1:
        stages[0].label = ""
    builder.add_triggers(target, stages, images)
    return StageGraph(
        stages=tuple(stages),
        target=target,
        reachable=_reachable(target),
        arguments=builder.arguments,
        build_args=builder.build_args,
        epoch=builder.epoch,
    )


@define
class _Builder:
    source: errors.Source
    expander: Expander
    options: ConvertOptions
    build_args: dict[str, str]
    arguments: dict[str, str] = field(factory=dict)
    epoch: datetime | None = None
    epoch_span: Span | None = None
    by_name: dict[str, Stage] = field(factory=dict)

    def stages(self, instructions: tuple[Instruction, ...]) -> list[Stage]:
        begins = [each for each in instructions if isinstance(each, From)]
        if not begins:
            first = instructions[0]
            if not isinstance(first, Arg):
                raise errors.no_stage_yet(first.origin.span)
            raise errors.no_stages(self.source)
        self.arguments = self.options.automatic_arguments(
            self.options.target or begins[-1].name or ""
        )
        first_stage = instructions.index(begins[0])
        for each in instructions[:first_stage]:
            if not isinstance(each, Arg):
                raise errors.no_stage_yet(each.origin.span)
            self.add_arguments(each)
        self.settle_epoch({each.name for each in begins if each.name})
        stages: list[Stage] = []
        for each in instructions[first_stage:]:
            if isinstance(each, From):
                stages.append(self.begin(each, len(stages)))
            else:
                stages[-1].instructions.append(each)
        return stages

    def add_arguments(self, instruction: Arg) -> None:
        for name, default in instruction.args:
            if name in self.options.build_args:
                self.arguments[name] = self.options.build_args[name]
            elif default is not None:
                self.arguments[name] = self.expand(default, instruction.origin.span)
            if name == epoch.NAME:
                self.epoch_span = instruction.origin.span

    def settle_epoch(self, names: set[str]) -> None:
        """Read the time of the image, and give the arguments its number."""
        value = self.build_args.get(epoch.NAME, self.arguments.get(epoch.NAME, ""))
        self.epoch = epoch.parse_epoch(value, names, self.epoch_span)
        for arguments in (self.build_args, self.arguments):
            if self.epoch is None and value == "":
                arguments.pop(epoch.NAME, None)
            elif self.epoch is not None and epoch.NAME in arguments:
                arguments[epoch.NAME] = epoch.seconds(self.epoch)

    def begin(self, instruction: From, number: int) -> Stage:
        span = instruction.origin.span
        base_name = self.expand(instruction.base, span)
        if not base_name:
            raise errors.blank_base(span, instruction.base)
        platform = self.platform(instruction)
        base = self.by_name.get(base_name)
        stage = Stage(
            begin=instruction,
            label=instruction.name or f"stage-{number}",
            name=instruction.name,
            platform=platform,
            base=base,
            image=None
            if base is not None or base_name == SCRATCH
            else self.image(base_name, platform, span),
            origin=instruction.origin,
        )
        if instruction.name is not None:
            self.by_name[instruction.name] = stage
        return stage

    def platform(self, instruction: From) -> Platform | None:
        if instruction.platform is None:
            return None
        span = instruction.origin.span
        text = self.expand(instruction.platform, span)
        try:
            return self.options.parse_platform(text)
        except InvalidValueError as error:
            raise errors.bad_platform(span, instruction.platform, error.message) from error

    def image(self, name: str, platform: Platform | None, span: Span) -> ImageRequest:
        try:
            ref = str(Reference.parse(name).tagged())
        except InvalidValueError as error:
            raise errors.bad_base(span, name, error.message) from error
        return ImageRequest(ref, platform or self.options.platform, span)

    def add_triggers(
        self, target: Stage, stages: list[Stage], images: Mapping[ImageRequest, ResolvedImage]
    ) -> None:
        """Add what ONBUILD left in bases, which may need more stages, with triggers of theirs."""
        done: set[Stage] = set()
        for count in itertools.count():
            reachable = _reachable(target) - done
            if not reachable:
                return
            for stage in [each for each in stages if each in reachable]:
                done.add(stage)
                stage.numbered = count if stage.image is not None else 0
                if stage.begin is not None:
                    stage.triggers = self.triggers(stage, stage.begin, images)
                    self.connect(stage, stage.triggers, stages)

    def triggers(
        self, stage: Stage, begin: From, images: Mapping[ImageRequest, ResolvedImage]
    ) -> tuple[Instruction, ...]:
        expressions: Iterable[str] = ()
        if stage.base is not None:
            below = stage.base.instructions
            expressions = [each.expression for each in below if isinstance(each, Onbuild)]
        elif stage.image is not None and stage.image in images:
            expressions = images[stage.image].image.get("OnBuild") or ()
        return tuple(interpret_trigger(each, begin, self.source) for each in expressions)

    def connect(
        self, stage: Stage, instructions: Iterable[Instruction], stages: list[Stage]
    ) -> None:
        """Find the stages that instructions copy from; an image becomes one more."""
        for each in instructions:
            if not isinstance(each, Copy | Run):
                continue
            for place, name in enumerate(each.stages):
                found = self.find(each, name, stages)
                if found is None:
                    found = self.unnamed(each, name)
                    stages.append(found)
                stage.needs[each, place] = found

    def unnamed(self, instruction: Copy | Run, name: str) -> Stage:
        """Return the stage of an image, or of nothing, that an instruction takes from."""
        return Stage(
            begin=None,
            label="",
            name=None,
            platform=None,
            base=None,
            image=None if name == SCRATCH else self.image(name, None, instruction.origin.span),
            origin=instruction.origin,
            mounted=isinstance(instruction, Run),
        )

    def find(self, instruction: Copy | Run, name: str, stages: list[Stage]) -> Stage | None:
        if isinstance(instruction, Run):
            return self.by_name.get(name.lower())
        span = instruction.origin.span
        if self.expand(name, span, empty=True) != name:
            raise errors.variable_in_from(span)
        if not name.lstrip("+-").isdigit():
            return self.by_name.get(name.lower())
        index = int(name)
        if not 0 <= index < len(stages):
            raise errors.bad_stage_index(span, index)
        return stages[index]

    def expand(self, text: str, span: Span, *, empty: bool = False) -> str:
        try:
            return self.expander.word(text, {} if empty else self.arguments)
        except ExpansionError as error:
            raise errors.substitution(span, text, str(error)) from error


def _target(
    source: errors.Source, stages: list[Stage], by_name: Mapping[str, Stage], name: str | None
) -> Stage:
    if name is None:
        return [stage for stage in stages if stage.begin is not None][-1]
    found = by_name.get(name.lower())
    if found is None:
        raise errors.unknown_target(source, name, by_name)
    return found


def _reachable(target: Stage) -> frozenset[Stage]:
    found = {target}
    pending = [target]
    while pending:
        for stage in pending.pop().below():
            if stage not in found:
                found.add(stage)
                pending.append(stage)
    return frozenset(found)


def _check_cycles(stages: Iterable[Stage]) -> None:
    done: set[Stage] = set()
    for root in stages:
        path: dict[Stage, None] = {}
        stack = [(root, iter(root.below()))]
        path[root] = None
        while stack:
            stage, below = stack[-1]
            following = next(below, None)
            if following is None:
                stack.pop()
                path.pop(stage)
                done.add(stage)
            elif following in path:
                raise _cycle(list(path), following)
            elif following not in done:
                path[following] = None
                stack.append((following, iter(following.below())))


def _cycle(path: list[Stage], repeated: Stage) -> errors.DockerfileError:
    """Return the error of a cycle, at the instruction of its first stage that enters it."""
    following = [*path[path.index(repeated) :], repeated][1]
    entry = next((each for (each, _), stage in repeated.needs.items() if stage is following), None)
    origin = repeated.origin if entry is None else entry.origin
    return errors.cycle(origin.span, repeated.label)
