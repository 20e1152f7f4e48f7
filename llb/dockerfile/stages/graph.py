"""The stages of a Dockerfile: which there are, which the target needs, and their images."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb import Platform, Reference
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.errors.go_messages import why_no_image, why_no_platform
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.nodes import (
    SCRATCH,
    Added,
    Arg,
    Copy,
    From,
    Instruction,
    Onbuild,
    Origin,
    Run,
    Taking,
    Workdir,
)
from llb.dockerfile.instructions.parse import interpret_trigger
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.dockerfile.sources.named_contexts import find_context
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.stages import source_date_epoch as epoch
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from llb.dockerfile.grammar import Grammar
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.dockerfile.sources.requests import Found, Request
    from llb.errors import Span


# A longer number is no number of a stage but the name of an image.
_NAMES = re.compile(r"\$\{?([a-zA-Z0-9_]+)")
_STEPS = (Run, Copy, Workdir)
_INDEX = re.compile(r"[+-]?[0-9]{1,18}\Z")


@define(eq=False)
class Stage:
    """A stage, or an image that a stage copies from.

    ``origin`` is the FROM that begins it, or the instruction that takes from the image.
    ``base`` is the stage that it builds upon, else ``image`` the one in a registry, else
    ``context`` the named one that stands for the image or for the whole stage; all are
    absent for scratch. ``needs`` are the stages that it copies from or mounts,
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
    context: ContextRequest | None = None
    instructions: list[Instruction] = field(factory=list, repr=False)
    needs: dict[tuple[Taking, int], Stage] = field(factory=dict, repr=False)
    mounted: bool = False
    triggers: tuple[Instruction, ...] = ()
    numbered: int = 0

    @property
    def steps(self) -> int:
        """How many steps are numbered: the image, and its own that change files.

        An image that is just copied from has no numbers.
        """
        if self.begin is None or self.is_replaced:
            return 0
        counted = sum(map(_is_step, self.instructions))
        return counted + (self.request is not None)

    @property
    def request(self) -> Request | None:
        """What it begins with that is not in the file."""
        return self.image or self.context

    @property
    def is_replaced(self) -> bool:
        """Whether a named context stands in its place, so that nothing of it is run."""
        return self.context is not None and self.context.is_stage

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
    def requests(self) -> tuple[Request, ...]:
        """The images and contexts of the reachable stages, each once."""
        found = (stage.request for stage in self.stages if stage in self.reachable)
        return tuple(dict.fromkeys(each for each in found if each is not None))


def build_graph(
    source: errors.Source,
    instructions: tuple[Instruction, ...],
    escape: str,
    options: ConvertOptions,
    images: Found,
    grammar: Grammar,
) -> StageGraph:
    """Return the stages with what they need of each other. Raises DockerfileError.

    What ONBUILD left in the images is part of it as far as ``images`` are known.
    """
    builder = _Builder(source, Expander(escape=escape), options, grammar, dict(options.build_args))
    stages = builder.stages(instructions)
    target = _target(source, stages, builder.by_name, options.target)
    for stage in list(stages):
        builder.connect(stage, stage.instructions, stages)
    _check_cycles(stages)
    if len(stages) == 1:
        stages[0].label = ""
    builder.refuse_bad_images()
    builder.add_triggers(target, stages, images)
    builder.refuse_bad_images()
    return StageGraph(
        stages=tuple(stages),
        target=target,
        reachable=frozenset(stages) if options.all_stages else _reachable(target),
        arguments=builder.arguments,
        build_args=builder.build_args,
        epoch=builder.epoch,
    )


@define
class _Builder:
    source: errors.Source
    expander: Expander
    options: ConvertOptions
    grammar: Grammar
    build_args: dict[str, str]
    arguments: dict[str, str] = field(factory=dict)
    epoch: datetime | None = None
    epoch_span: Span | None = None
    by_name: dict[str, Stage] = field(factory=dict)
    empty: dict[bool, Stage] = field(factory=dict)
    bad_images: list[errors.DockerfileError] = field(factory=list)

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
        self.settle_epoch(instructions[first_stage:])
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

    def settle_epoch(self, instructions: tuple[Instruction, ...]) -> None:
        """Find the time of the image, and give the arguments its number."""
        value = self.build_args.get(epoch.NAME, self.arguments.get(epoch.NAME, ""))
        self.epoch = epoch.find_epoch(
            value, instructions, self.arguments, self.options, self.expander, self.epoch_span
        )
        for arguments in (self.build_args, self.arguments):
            if self.epoch is None:
                arguments.pop(epoch.NAME, None)
            elif epoch.NAME in arguments:
                arguments[epoch.NAME] = epoch.seconds(self.epoch)

    def begin(self, instruction: From, number: int) -> Stage:
        span = instruction.origin.span
        base_name = self.expand(instruction.base, span)
        if not base_name:
            raise errors.blank_base(span, instruction.base)
        platform = self.platform(instruction)
        context = self.stage_context(instruction, platform)
        base = None if context else self.by_name.get(base_name)
        image = None
        if base is None and (context or base_name != SCRATCH):
            image = self.image(base_name, platform, span)
            context = context or self.image_context(image)
        stage = Stage(
            begin=instruction,
            label=instruction.name or f"stage-{number}",
            name=instruction.name,
            platform=platform,
            base=base,
            image=None if context else image,
            origin=instruction.origin,
            context=context,
        )
        if instruction.name is not None:
            self.by_name[instruction.name] = stage
        return stage

    def stage_context(self, instruction: From, platform: Platform | None) -> ContextRequest | None:
        """Return the named context that replaces a stage."""
        options = self.options
        explicit = options.platform if options.explicit_platform else None
        return find_context(
            options.contexts,
            instruction.name or SCRATCH,
            platform or explicit,
            is_stage=True,
            span=instruction.origin.span,
        )

    def image_context(self, image: ImageRequest) -> ContextRequest | None:
        """Return the named context that stands for an image."""
        try:
            return find_context(self.options.contexts, image.ref, image.platform, span=image.span)
        except errors.DockerfileError:
            # What names no image is refused when all stages are known.
            return None

    def platform(self, instruction: From) -> Platform | None:
        if instruction.platform is None:
            return None
        span = instruction.origin.span
        text = self.expand(instruction.platform, span)
        # What is not set may be a name that was meant to be another.
        names = (
            each for each in _NAMES.findall(instruction.platform) if each not in self.arguments
        )
        near = next(filter(None, (suggestion(each, self.arguments) for each in names)), "")
        if not text:
            raise errors.empty_platform(span, instruction.platform, near)
        try:
            return self.options.parse_platform(text)
        except InvalidValueError as error:
            reason = why_no_platform(text) + near
            raise errors.bad_platform(span, instruction.platform, reason) from error

    def image(self, name: str, platform: Platform | None, span: Span) -> ImageRequest:
        try:
            ref = str(Reference.parse(name).tagged())
        except InvalidValueError:
            # Docker reads the names of images when it knows all stages, used or not.
            self.bad_images.append(errors.bad_base(span, name, why_no_image(name)))
            ref = name
        return ImageRequest(ref, platform or self.options.platform, name, span)

    def refuse_bad_images(self) -> None:
        if self.bad_images:
            # They are read side by side there, and the last one is nearly always first.
            raise self.bad_images[-1]

    def add_triggers(self, target: Stage, stages: list[Stage], images: Found) -> None:
        """Add what ONBUILD left in bases, which may need more stages, with triggers of theirs."""
        done: set[Stage] = set()
        for count in itertools.count():
            reachable = _reachable(target) - done
            if not reachable:
                return
            for stage in [each for each in stages if each in reachable]:
                done.add(stage)
                stage.numbered = count if stage.request is not None else 0
                if stage.begin is not None:
                    stage.triggers = self.triggers(stage, stage.begin, images)
                    self.connect(stage, stage.triggers, stages)

    def triggers(self, stage: Stage, begin: From, images: Found) -> tuple[Instruction, ...]:
        expressions: Iterable[str] = ()
        if stage.base is not None:
            below = stage.base.instructions
            expressions = [each.expression for each in below if isinstance(each, Onbuild)]
        elif stage.request is not None and stage.request in images:
            expressions = images[stage.request].triggers
        return tuple(
            interpret_trigger(each, begin, self.source, self.grammar) for each in expressions
        )

    def connect(
        self, stage: Stage, instructions: Iterable[Instruction], stages: list[Stage]
    ) -> None:
        """Find the stages that instructions copy from; an image becomes one more."""
        for each in instructions:
            if not isinstance(each, Taking):
                continue
            for place, name in enumerate(each.stages):
                found = self.find(each, name, stages)
                if found is None:
                    found = self.unnamed(each, name)
                    stages.append(found)
                stage.needs[each, place] = found

    def unnamed(self, instruction: Taking, name: str) -> Stage:
        """Return the stage of an image, or of nothing, that an instruction takes from."""
        if name == SCRATCH:
            # Builds have thousands of caches, each of which counts as a stage of its own.
            is_run = isinstance(instruction, Run)
            if is_run not in self.empty:
                self.empty[is_run] = self.aside(instruction, None, None)
            return self.empty[is_run]
        image = self.image(name, None, instruction.origin.span)
        context = self.image_context(image)
        return self.aside(instruction, None if context else image, context)

    def aside(
        self, instruction: Taking, image: ImageRequest | None, context: ContextRequest | None
    ) -> Stage:
        """Return a stage that is none of the file's."""
        return Stage(
            begin=None,
            label="",
            name=None,
            platform=None,
            base=None,
            image=image,
            origin=instruction.origin,
            context=context,
            mounted=isinstance(instruction, Run),
        )

    def find(self, instruction: Taking, name: str, stages: list[Stage]) -> Stage | None:
        if isinstance(instruction, Run):
            return self.by_name.get(name.lower())
        span = instruction.origin.span
        if self.expand(name, span, empty=True) != name:
            raise errors.variable_in_from(span)
        if _INDEX.match(name) is None:
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


def _is_step(instruction: Instruction) -> bool:
    if isinstance(instruction, Added):
        return instruction.kind.is_step
    return isinstance(instruction, _STEPS)


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
        # That a stage begins with another is no way into a cycle for Docker.
        stack = [(root, iter(root.needs.values()))]
        path[root] = None
        while stack:
            stage, below = stack[-1]
            following = next(below, None)
            if following is None:
                stack.pop()
                path.pop(stage)
                done.add(stage)
            elif following in path:
                raise _cycle([*path, following])
            elif following not in done:
                path[following] = None
                stack.append((following, iter(following.needs.values())))


def _cycle(path: list[Stage]) -> errors.DockerfileError:
    """Return the error of a cycle, at the instruction of the first stage that leads to it."""
    first, following, *_ = path
    # Where several need the same, Docker names the last one.
    *_, entry = (each for (each, _), stage in first.needs.items() if stage is following)
    return errors.cycle(entry.origin.span, first.label)
