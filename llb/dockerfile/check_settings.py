"""Settings of the checks: ``# check=skip=…;error=true;experimental=…``.

The grammar is that of the reference ("check" parser directive): up to three settings, separated
by ``;``. The build argument ``BUILDKIT_DOCKERFILE_CHECK`` replaces the directive, and a comment
right above an instruction adds settings for that instruction.
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
    """The enabled checks: all except ``skipped``, and those of ``experimental``.

    ``fails`` is whether a warning fails the build.
    """

    skipped: frozenset[str] = frozenset()
    skips_all: bool = False
    experimental: frozenset[str] = frozenset()
    experimental_all: bool = False
    fails: bool = False

    def allow(self, rule: Rule) -> bool:
        """Check whether a rule is enabled."""
        if rule.is_experimental:
            return self.experimental_all or rule.name in self.experimental
        return not self.skips_all and rule.name not in self.skipped

    def with_comments(self, comments: Iterable[str]) -> Settings:
        """Add the settings in the comments above an instruction.

        Only the first directive counts, and only if it is valid.
        """
        for comment in comments:
            match parse_directive(comment):
                case "check", value:
                    try:
                        return self._merge(_parse(value.partition(" ")[0]))
                    except _InvalidSettingsError:
                        return self
        return self

    def _merge(self, other: Settings) -> Settings:
        return evolve(
            self,
            skipped=self.skipped | other.skipped,
            skips_all=self.skips_all or other.skips_all,
            experimental=self.experimental | other.experimental,
            experimental_all=self.experimental_all or other.experimental_all,
        )


def parse_settings(directive: str, build_args: Mapping[str, str]) -> Settings:
    """Parse the settings of a build. Raises DockerfileError if they are invalid."""
    argument = build_args.get(ARGUMENT)
    options, where = (
        (directive, "check options") if argument is None else (argument, f"build-arg:{ARGUMENT}")
    )
    try:
        return _parse(options)
    except _InvalidSettingsError as error:
        raise errors.bad_check(where, str(error)) from error


class _InvalidSettingsError(Exception):
    """Invalid settings; the message says why."""


def _parse(options: str) -> Settings:
    options = options.strip()
    settings = Settings()
    for part in options.split(";", maxsplit=2) if options else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise _InvalidSettingsError(f'invalid check option "{part}"')
        key, value = key.strip(), value.strip()
        match key:
            case "skip" if value == "all":
                settings = evolve(settings, skips_all=True)
            case "skip":
                settings = evolve(settings, skipped=_split_names(value))
            case "experimental" if value == "all":
                settings = evolve(settings, experimental_all=True)
            case "experimental":
                settings = evolve(settings, experimental=_split_names(value))
            case "error":
                settings = evolve(settings, fails=_parse_bool(part, value))
            case _:
                raise _InvalidSettingsError(f'invalid check option "{key}"')
    return settings


def _split_names(value: str) -> frozenset[str]:
    return frozenset(name.strip() for name in value.split(","))


def _parse_bool(part: str, value: str) -> bool:
    if value in (*_TRUE, *_FALSE):
        return value in _TRUE
    reason = f'strconv.ParseBool: parsing "{value}": invalid syntax'
    raise _InvalidSettingsError(f'failed to parse check option "{part}": {reason}')
