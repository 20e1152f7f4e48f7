"""Which checks are asked for: ``# check=skip=…;error=true;experimental=…``.

The grammar is that of the reference ("check" parser directive): up to three settings with
``;`` between them. The build argument ``BUILDKIT_DOCKERFILE_CHECK`` takes the place of the
directive, and a comment right above an instruction adds to it for that instruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.parser.directives import parse_directive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.dockerfile.check_rules import Rule

ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


@frozen
class Settings:
    """What is checked: all but ``skipped``, and of what is experimental just what is named.

    ``fails`` is whether a warning fails the build.
    """

    skipped: frozenset[str] = frozenset()
    skips_all: bool = False
    experimental: frozenset[str] = frozenset()
    experimental_all: bool = False
    fails: bool = False

    def allow(self, rule: Rule) -> bool:
        """Return whether a check is asked for."""
        if rule.is_experimental:
            return self.experimental_all or rule.name in self.experimental
        return not self.skips_all and rule.name not in self.skipped

    def with_comments(self, comments: Iterable[str]) -> Settings:
        """Return the settings for an instruction with comments above it.

        The first one that is a directive counts, if it can be read.
        """
        for comment in comments:
            match parse_directive(comment):
                case "check", value:
                    try:
                        return self._with(_parse(value.partition(" ")[0]))
                    except _UnreadableError:
                        return self
        return self

    def _with(self, more: Settings) -> Settings:
        return evolve(
            self,
            skipped=self.skipped | more.skipped,
            skips_all=self.skips_all or more.skips_all,
            experimental=self.experimental | more.experimental,
            experimental_all=self.experimental_all or more.experimental_all,
        )


def parse_settings(directive: str, build_args: Mapping[str, str]) -> Settings:
    """Return the settings of a build. Raises DockerfileError for what cannot be read."""
    given = build_args.get(ARGUMENT)
    text, where = (
        (directive, "check options") if given is None else (given, f"build-arg:{ARGUMENT}")
    )
    try:
        return _parse(text)
    except _UnreadableError as error:
        raise errors.bad_check(where, str(error)) from error


class _UnreadableError(Exception):
    """Settings that cannot be read; the text says why."""


def _parse(text: str) -> Settings:
    text = text.strip()
    settings = Settings()
    for part in text.split(";", maxsplit=2) if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise _UnreadableError(f'invalid check option "{part}"')
        key, value = key.strip(), value.strip()
        match key:
            case "skip" if value == "all":
                settings = evolve(settings, skips_all=True)
            case "skip":
                settings = evolve(settings, skipped=_names(value))
            case "experimental" if value == "all":
                settings = evolve(settings, experimental_all=True)
            case "experimental":
                settings = evolve(settings, experimental=_names(value))
            case "error":
                settings = evolve(settings, fails=_switch(part, value))
            case _:
                raise _UnreadableError(f'invalid check option "{key}"')
    return settings


def _names(value: str) -> frozenset[str]:
    return frozenset(name.strip() for name in value.split(","))


def _switch(part: str, value: str) -> bool:
    if value in (*_TRUE, *_FALSE):
        return value in _TRUE
    reason = f'strconv.ParseBool: parsing "{value}": invalid syntax'
    raise _UnreadableError(f'failed to parse check option "{part}": {reason}')
