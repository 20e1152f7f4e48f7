"""A Dockerfile on the daemon: images are asked of it, and warnings are told to it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb import Location, Range, SourceFile, dockerfile
from llb.dockerfile.language import PLAIN, Language
from llb.dockerfile.passes import convert_parsed, warnings_of
from llb.dockerfile.trace import Trail
from llb.errors import LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.dockerfile import Converted, ConvertOptions, Parsed
    from llb.dockerfile.check_rules import LintWarning
    from llb.dockerfile.sources.requests import Resolve
    from llb.gateway import Gateway

LANGUAGE = "Dockerfile"


@frozen
class File:
    """A Dockerfile that was read: ``vertex`` is the digest of the step that it comes from.

    ``definition`` is that step as a serialized ``pb.Definition``. ``resolve`` finds the images
    that are asked for. ``language`` is the one that the file is read in.
    """

    text: bytes = field(repr=False)
    vertex: str
    definition: bytes = field(repr=False)
    gateway: Gateway
    resolve: Resolve
    language: Language = PLAIN

    def parse(self, options: ConvertOptions) -> Parsed:
        """Return the instructions of the file. Raises DockerfileError."""
        return dockerfile.parse(self.text, options.filename, self.language)

    def convert(
        self, parsed: Parsed, options: ConvertOptions, trail: Trail | None = None
    ) -> Converted:
        """Return the target as LLB, and show the warnings, also those of a file that fails.

        ``trail`` is told how far it came. Raises LLBError.
        """
        trail = Trail() if trail is None else trail
        try:
            converted = convert_parsed(parsed, options, self.resolve, trail)
        except LLBError:
            self._show(warnings_of(parsed, options, trail), options)
            raise
        self._show(converted.warnings, options)
        return converted

    def explained(self, error: LLBError) -> LLBError:
        """Return an error as clients of Docker's frontend know it, and where the file comes from."""
        if isinstance(error, dockerfile.DockerfileError):
            error.message = error.docker_words
        if error.span is not None:
            error.span = evolve(error.span, definition=self.definition)
        return error

    def source(self, options: ConvertOptions) -> SourceFile:
        """Return the file as places in it name it."""
        return SourceFile(options.filename, self.text, LANGUAGE, options.definition)

    def _show(self, warnings: Iterable[LintWarning], options: ConvertOptions) -> None:
        source = self.source(options)
        for each in warnings:
            # A build does not fail for a warning that cannot be shown.
            with suppress(RemoteError):
                self.gateway.warn(
                    self.vertex,
                    each.short,
                    detail=[each.rule.description],
                    url=each.rule.url,
                    location=Location(source, tuple(Range(line, line) for line in each.each_line)),
                )
