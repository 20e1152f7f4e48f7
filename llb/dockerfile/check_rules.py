"""The lint rules of Dockerfiles as data: name, URL, description and message of each.

These are the 22 rules of ``docker/dockerfile`` in BuildKit v0.34.2 (reference, "Build
checks"), with the messages that its users know.
"""

from __future__ import annotations

from attrs import frozen

_PAGE = "https://docs.docker.com/go/dockerfile/rule"


@frozen
class Rule:
    """A lint rule.

    ``url`` is the page that explains it, empty if there is none. ``message`` is the warning, with
    placeholders in braces. An experimental rule must be enabled explicitly.
    """

    name: str
    url: str
    description: str
    message: str
    is_experimental: bool = False


@frozen
class LintWarning:
    """A warning of a rule; ``lines`` are the first and last line, None without a position."""

    rule: Rule
    message: str
    lines: tuple[int, int] | None

    @property
    def short(self) -> str:
        """The one-line form for progress displays."""
        position = "" if self.lines is None else f" (line {self.lines[0]})"
        return f"{self.rule.name}: {self.message}{position}"

    @property
    def each_line(self) -> range:
        """All line numbers, because clients expect one range for each line."""
        return range(0) if self.lines is None else range(self.lines[0], self.lines[1] + 1)


STAGE_NAME_CASING = Rule(
    "StageNameCasing",
    f"{_PAGE}/stage-name-casing/",
    "Stage names should be lowercase",
    "Stage name '{stage}' should be lowercase",
)
FROM_AS_CASING = Rule(
    "FromAsCasing",
    f"{_PAGE}/from-as-casing/",
    "The 'as' keyword should match the case of the 'from' keyword",
    "'{keyword}' and '{name}' keywords' casing do not match",
)
NO_EMPTY_CONTINUATION = Rule(
    "NoEmptyContinuation",
    f"{_PAGE}/no-empty-continuation/",
    "Empty continuation lines will become errors in a future release",
    "Empty continuation line",
)
CONSISTENT_INSTRUCTION_CASING = Rule(
    "ConsistentInstructionCasing",
    f"{_PAGE}/consistent-instruction-casing/",
    "All commands within the Dockerfile should use the same casing (either upper or lower)",
    "Command '{name}' should match the case of the command majority ({casing})",
)
DUPLICATE_STAGE_NAME = Rule(
    "DuplicateStageName",
    f"{_PAGE}/duplicate-stage-name/",
    "Stage names should be unique",
    "Duplicate stage name {quoted}, stage names should be unique",
)
RESERVED_STAGE_NAME = Rule(
    "ReservedStageName",
    f"{_PAGE}/reserved-stage-name/",
    "Reserved words should not be used as stage names",
    "Stage name should not use the same name as reserved stage {quoted}",
)
JSON_ARGS_RECOMMENDED = Rule(
    "JSONArgsRecommended",
    f"{_PAGE}/json-args-recommended/",
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to"
    " OS signals",
    "JSON arguments recommended for {name} to prevent unintended behavior related to OS signals",
)
MAINTAINER_DEPRECATED = Rule(
    "MaintainerDeprecated",
    f"{_PAGE}/maintainer-deprecated/",
    "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    "Maintainer instruction is deprecated in favor of using label",
)
UNDEFINED_ARG_IN_FROM = Rule(
    "UndefinedArgInFrom",
    f"{_PAGE}/undefined-arg-in-from/",
    "FROM command must use declared ARGs",
    "FROM argument '{variable}' is not declared{suggestion}",
)
WORKDIR_RELATIVE_PATH = Rule(
    "WorkdirRelativePath",
    f"{_PAGE}/workdir-relative-path/",
    "Relative workdir without an absolute workdir declared within the build can have unexpected"
    " results if the base image changes",
    "Relative workdir {quoted} can have unexpected results if the base image changes",
)
UNDEFINED_VAR = Rule(
    "UndefinedVar",
    f"{_PAGE}/undefined-var/",
    "Variables should be defined before their use",
    "Usage of undefined variable '${variable}'{suggestion}",
)
MULTIPLE_INSTRUCTIONS_DISALLOWED = Rule(
    "MultipleInstructionsDisallowed",
    f"{_PAGE}/multiple-instructions-disallowed/",
    "Multiple instructions of the same type should not be used in the same stage",
    "Multiple {name} instructions should not be used in the same stage because only the last one"
    " will be used",
)
LEGACY_KEY_VALUE_FORMAT = Rule(
    "LegacyKeyValueFormat",
    f"{_PAGE}/legacy-key-value-format/",
    "Legacy key/value format with whitespace separator should not be used",
    '"{name} key=value" should be used instead of legacy "{name} key value" format',
)
INVALID_BASE_IMAGE_PLATFORM = Rule(
    "InvalidBaseImagePlatform",
    "",
    "Base image platform does not match expected target platform",
    'Base image {image} was pulled with platform "{actual}", expected "{expected}" for current'
    " build",
)
REDUNDANT_TARGET_PLATFORM = Rule(
    "RedundantTargetPlatform",
    f"{_PAGE}/redundant-target-platform/",
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default"
    " behavior",
    "Setting platform to predefined {platform} in FROM is redundant as this is the default"
    " behavior",
)
SECRETS_USED_IN_ARG_OR_ENV = Rule(
    "SecretsUsedInArgOrEnv",
    f"{_PAGE}/secrets-used-in-arg-or-env/",
    "Sensitive data should not be used in the ARG or ENV commands",
    "Do not use ARG or ENV instructions for sensitive data ({name} {quoted})",
)
INVALID_DEFAULT_ARG_IN_FROM = Rule(
    "InvalidDefaultArgInFrom",
    f"{_PAGE}/invalid-default-arg-in-from/",
    "Default value for global ARG results in an empty or invalid base image name",
    "Default value for ARG {image} results in empty or invalid base image name",
)
FROM_PLATFORM_FLAG_CONST_DISALLOWED = Rule(
    "FromPlatformFlagConstDisallowed",
    f"{_PAGE}/from-platform-flag-const-disallowed/",
    "FROM --platform flag should not use a constant value",
    "FROM --platform flag should not use constant value {quoted}",
)
COPY_IGNORED_FILE = Rule(
    "CopyIgnoredFile",
    f"{_PAGE}/copy-ignored-file/",
    "Attempting to Copy file that is excluded by .dockerignore",
    "Attempting to {name} file {quoted} that is excluded by .dockerignore",
)
INVALID_DEFINITION_DESCRIPTION = Rule(
    "InvalidDefinitionDescription",
    f"{_PAGE}/invalid-definition-description/",
    "Comment for build stage or argument should follow the format: `# <arg/stage name>"
    " <description>`. If this is not intended to be a description comment, add an empty line or"
    " comment between the instruction and the comment.",
    "Comment for {name} should follow the format: `# {example} <description>`",
    is_experimental=True,
)
EXPOSE_PROTO_CASING = Rule(
    "ExposeProtoCasing",
    f"{_PAGE}/expose-proto-casing/",
    "Protocol in EXPOSE instruction should be lowercase",
    "Defined protocol '{port}' in EXPOSE instruction should be lowercase",
)
EXPOSE_INVALID_FORMAT = Rule(
    "ExposeInvalidFormat",
    f"{_PAGE}/expose-invalid-format/",
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become"
    " an error in a future release",
    "EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'",
)

RULES = tuple(rule for rule in tuple(globals().values()) if isinstance(rule, Rule))
