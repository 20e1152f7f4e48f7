"""A Dockerfile on the daemon: parse and convert it, and show its warnings."""

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
    """A Dockerfile that was read: ``vertex`` is the digest of the step that loaded it.

    ``definition`` is that step as a serialized ``pb.Definition``. ``resolve`` resolves images
    and named contexts. ``language`` is the language of the file.
    """

    text: bytes = field(repr=False)
    vertex: str
    definition: bytes = field(repr=False)
    gateway: Gateway
    resolve: Resolve
    language: Language = PLAIN

    def parse(self, options: ConvertOptions) -> Parsed:
        """Parse the instructions of the file. Raises DockerfileError."""
        return dockerfile.parse(self.text, options.filename, self.language)

    def convert(
        self, parsed: Parsed, options: ConvertOptions, trail: Trail | None = None
    ) -> Converted:
        """Convert the target to LLB, and show the warnings, even if the conversion fails.

        ``trail`` records how far the conversion came. Raises LLBError.
        """
        trail = Trail() if trail is None else trail
        try:
            converted = convert_parsed(parsed, options, self.resolve, trail)
        except LLBError:
            self._show(warnings_of(parsed, options, trail), options)
            raise
        self._show(converted.warnings, options)
        return converted

    def to_client_error(self, error: LLBError) -> LLBError:
        """Give an error the message of Docker's frontend, and the definition of the file."""
        if isinstance(error, dockerfile.DockerfileError):
            error.message = error.docker_words
        if error.span is not None:
            error.span = evolve(error.span, definition=self.definition)
        return error

    def source(self, options: ConvertOptions) -> SourceFile:
        """Build the source file that locations point into."""
        return SourceFile(options.filename, self.text, LANGUAGE, options.definition)

    def _show(self, warnings: Iterable[LintWarning], options: ConvertOptions) -> None:
        source = self.source(options)
        for warning in warnings:
            # A build does not fail for a warning that cannot be shown.
            with suppress(RemoteError):
                self.gateway.warn(
                    self.vertex,
                    warning.short,
                    detail=[warning.rule.description],
                    url=warning.rule.url,
                    location=Location(
                        source, tuple(Range(line, line) for line in warning.each_line)
                    ),
                )
