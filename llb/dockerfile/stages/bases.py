"""Resolve FROM: the base stage, image or named context of a stage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field

from llb import Platform, Reference
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.errors.go_messages import invalid_image_reason, invalid_platform_reason
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.nodes import SCRATCH
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.dockerfile.sources.named_contexts import find_context
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.stages.stage import Stage
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.instructions.nodes import From
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.errors import Span

_NAMES = re.compile(r"\$\{?([a-zA-Z0-9_]+)")


@define
class Bases:
    """Creates stages; the names in FROM are expanded with the global ``arguments``.

    ``by_name`` has the stages so far. Docker parses image references after it has read all
    stages, used or not; :meth:`refuse_bad_images` is called at that point.
    """

    options: ConvertOptions
    expander: Expander
    arguments: Mapping[str, str]
    by_name: dict[str, Stage] = field(factory=dict)
    _bad_images: list[errors.DockerfileError] = field(factory=list)

    def begin(self, instruction: From, number: int) -> Stage:
        """Create stage number ``number``, which begins with a FROM. Raises DockerfileError."""
        span = instruction.origin.span
        base_name = self.expand(instruction.base, span)
        if not base_name:
            raise errors.blank_base(span, instruction.base)
        platform = self._parse_platform(instruction)
        context = self._find_stage_context(instruction, platform)
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

    def _find_stage_context(
        self, instruction: From, platform: Platform | None
    ) -> ContextRequest | None:
        """Find the named context that replaces a stage."""
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
        """Find the named context that replaces an image."""
        try:
            return find_context(self.options.contexts, image.ref, image.platform, span=image.span)
        except errors.DockerfileError:
            # An invalid image reference is refused later, after all stages are read.
            return None

    def _parse_platform(self, instruction: From) -> Platform | None:
        if instruction.platform is None:
            return None
        span = instruction.origin.span
        value = self.expand(instruction.platform, span)
        # An unset variable may be misspelt.
        unset = (
            name for name in _NAMES.findall(instruction.platform) if name not in self.arguments
        )
        near = next(filter(None, (suggestion(name, self.arguments) for name in unset)), "")
        if not value:
            raise errors.empty_platform(span, instruction.platform, near)
        try:
            return self.options.parse_platform(value)
        except InvalidValueError as error:
            reason = invalid_platform_reason(value) + near
            raise errors.bad_platform(span, instruction.platform, reason) from error

    def image(self, name: str, platform: Platform | None, span: Span) -> ImageRequest:
        """Create the request for an image, and note an invalid reference."""
        try:
            ref = str(Reference.parse(name).tagged())
        except InvalidValueError:
            self._bad_images.append(errors.bad_base(span, name, invalid_image_reason(name)))
            ref = name
        return ImageRequest(ref, platform or self.options.platform, name, span)

    def refuse_bad_images(self) -> None:
        """Raise DockerfileError for an invalid image reference."""
        if self._bad_images:
            # Docker parses them in parallel, and nearly always reports the last one.
            raise self._bad_images[-1]

    def expand(self, word: str, span: Span, *, empty: bool = False) -> str:
        """Expand a word, with the global arguments or with no variables."""
        try:
            return self.expander.word(word, {} if empty else self.arguments)
        except ExpansionError as error:
            raise errors.substitution(span, word, str(error)) from error
