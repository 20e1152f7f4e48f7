"""Checks of converted instructions, with the variables and the image config before each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llb.dockerfile import check_rules
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.instructions.nodes import (
    AddedInstruction,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Label,
    Run,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from llb.dockerfile.shell.expand import DOCUMENT, Expander, ExpansionError
from llb.dockerfile.shell.words import split_first, split_flags, split_quoted
from llb.dockerfile.sources.windows_paths import is_absolute
from llb.dockerfile.stages.global_args import Lookups
from llb.dockerfile.to_llb.config import NOT_IN_ENV
from llb.dockerfile.to_llb.expose_ports import PROTOCOLS, parse_port
from llb.dockerfile_rules.copy import is_remote
from llb.gocompat.fmt import quote
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import Patterns
from llb.ops.env import EnvIndex

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import Rule
    from llb.dockerfile.lint.report import Report
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.stages.stage import Stage
    from llb.dockerfile.trace import Step, Trail

_SECRET = frozenset(
    (
        "apikey",
        "auth",
        "credential",
        "credentials",
        "key",
        "password",
        "pword",
        "passwd",
        "secret",
        "token",
    )
)
_HARMLESS = frozenset(("public", "file", "version"))
_SIGNIFICANT = _SECRET | _HARMLESS
_ROOTS = (".", "/")
_VARIABLE = re.compile(r"\$\{?((?:[a-zA-Z_][a-zA-Z0-9_]*+|[0-9]++)(?![^\x00-\x7f])|[@*#?$!-])")
_ALL_ROOTS = ("*", "**", "**/*")


def check_steps(trail: Trail, options: ConvertOptions, expander: Expander, report: Report) -> None:
    """Check the converted instructions in order."""
    graph = trail.graph
    if graph is None:
        return
    ignored = Patterns.compile(options.ignore)
    failed = None if trail.is_complete or not trail.steps else trail.steps[-1]
    stages: dict[Stage, _StageChecks] = {}
    for step in trail.steps:
        check = _CHECKS.get(type(step.instruction))
        if check is None:
            continue
        checks = stages.get(step.stage)
        if checks is None:
            checks = _StageChecks(graph, expander, report, ignored, failed)
            checks.inherit(step.stage, stages)
            stages[step.stage] = checks
        try:
            check(checks, step, step.instruction)
        except (ExpansionError, DockerfileError):
            # The conversion failed at this instruction, and reports the error itself.
            return


class _StageChecks:
    """The state of the checks of one stage.

    ``declared`` are the arguments so far, ``once`` the lines of instructions of which only the
    last one has an effect. ``failed`` is the step at which the conversion failed.
    """

    def __init__(
        self,
        graph: StageGraph,
        expander: Expander,
        report: Report,
        ignored: Patterns,
        failed: Step | None,
    ) -> None:
        self.graph = graph
        self.expander = expander
        self.report = report
        self.ignored = ignored
        self.failed = failed
        self.declared: set[str] = set()
        self.has_workdir = False
        self.once: dict[type, tuple[int, int]] = {}
        self._variables = EnvIndex()

    def inherit(self, stage: Stage, stages: Mapping[Stage, _StageChecks]) -> None:
        """Inherit the state of the nearest base stage that has checked instructions."""
        base = stage.base
        while base is not None and base not in stages:
            base = base.base
        if base is not None:
            self.declared |= stages[base].declared
            self.has_workdir = stages[base].has_workdir

    def add(self, rule: Rule, step: Step, /, **values: str) -> None:
        """Add a warning for an instruction."""
        origin = step.instruction.origin
        self.report.add(rule, origin.lines, origin.comments, **values)

    def expand(self, step: Step, word: str, expander: Expander | None = None) -> str:
        """Expand a word, and report its undefined variables."""
        expander = expander or self.expander
        if "$" not in word:
            return expander.word(word, {})
        variables = Lookups(self.env(step))
        try:
            return expander.word(word, variables)
        finally:
            self.missing(step, variables)

    def env(self, step: Step) -> Mapping[str, str]:
        """Look up the variables before an instruction; calls must follow the order of the file."""
        return self._variables.follow(step.state.settings.process.env)

    def missing(self, step: Step, variables: Lookups) -> None:
        """Report the variables that were looked up and are neither set nor declared."""
        for name in variables.missing:
            if name not in self.declared and name not in NOT_IN_ENV:
                near = suggestion(name, variables, "$")
                self.add(check_rules.UNDEFINED_VAR, step, variable=name, suggestion=near)

    def words(self, step: Step, *words: str) -> None:
        """Report the undefined variables of some words."""
        for word in words:
            # In a failed instruction, any word may be the reason for the failure.
            if step is self.failed or ("$" in word and not self.is_defined(step, word)):
                self.expand(step, word)

    def is_defined(self, step: Step, word: str) -> bool:
        """Check quickly whether all variables in a word are certainly set."""
        names = _VARIABLE.findall(word)
        return len(names) == word.count("$") and self.env(step).keys() >= set(names)


def _env(checks: _StageChecks, step: Step, instruction: Env) -> None:
    keys = []
    for key, value in instruction.pairs:
        keys.append(checks.expand(step, key))
        checks.words(step, value)
    _check_form(checks, step, len(keys))
    for key in keys:
        _check_secret(checks, step, "ENV", key)


def _label(checks: _StageChecks, step: Step, instruction: Label) -> None:
    for pair in instruction.pairs:
        checks.words(step, *pair)
    _check_form(checks, step, len(instruction.pairs))


def _check_form(checks: _StageChecks, step: Step, pairs: int) -> None:
    """Report the legacy form ``name value``: one pair without ``=`` in its first word."""
    if pairs != 1:
        return
    origin, escape = step.instruction.origin, checks.expander.escape
    _, arguments = split_flags(split_first(origin.code)[1], escape)
    if "=" not in split_quoted(arguments, escape)[0]:
        checks.add(check_rules.LEGACY_KEY_VALUE_FORMAT, step, name=origin.name)


def _check_secret(checks: _StageChecks, step: Step, name: str, key: str) -> None:
    parts = _SIGNIFICANT.intersection(key.lower().split("_"))
    if parts and not parts & _HARMLESS:
        checks.add(check_rules.SECRETS_USED_IN_ARG_OR_ENV, step, name=name, quoted=quote(key))


def _arg(checks: _StageChecks, step: Step, instruction: Arg) -> None:
    own: dict[str, str] = {}
    for name, default in instruction.args:
        _check_secret(checks, step, "ARG", name)
        value = checks.graph.build_args.get(name)
        if value is None and default is not None:
            value = _default(checks, step, default, own)
        elif value is None:
            value = checks.graph.arguments.get(name)
        if value is not None and name not in NOT_IN_ENV:
            # A variable that is set again moves to the end.
            own.pop(name, None)
            own[name] = value
        checks.declared.add(name)


def _default(checks: _StageChecks, step: Step, word: str, own: Mapping[str, str]) -> str:
    """Expand the default of an argument; ``own`` are the earlier ones of the instruction."""
    if "$" not in word:
        return checks.expander.word(word, own)
    env = checks.env(step)
    if own:
        env = {**{key: value for key, value in env.items() if key not in own}, **own}
    variables = Lookups(env)
    try:
        return checks.expander.word(word, variables)
    finally:
        checks.missing(step, variables)


def _run(checks: _StageChecks, step: Step, instruction: Run) -> None:
    for flag in instruction.mounts:
        checks.words(step, *(field.partition("=")[2] for field in flag.fields))
        if step is checks.failed:
            parse_mount(flag, lambda value: checks.expander.word(value, checks.env(step)))


def _workdir(checks: _StageChecks, step: Step, instruction: Workdir) -> None:
    path = checks.expand(step, instruction.path)
    # The working directory of the base image may change with the image, so it is ignored.
    is_rooted = is_absolute(path) if step.is_windows else path.startswith("/")
    if not checks.has_workdir and not is_rooted:
        checks.add(check_rules.WORKDIR_RELATIVE_PATH, step, quoted=quote(path))
    checks.has_workdir = True


def _copy(checks: _StageChecks, step: Step, instruction: Copy) -> None:
    checks.words(step, instruction.chown, instruction.chmod, instruction.checksum)
    checks.words(step, *instruction.sources, instruction.dest)
    for heredoc in instruction.documents:
        if heredoc.expand and "$" in heredoc.content:
            checks.expand(step, heredoc.content, DOCUMENT)
    # With exclusions, some file below an ignored path may be included after all.
    has_patterns = checks.ignored.patterns and not checks.ignored.exclusions
    if has_patterns and instruction.stage is None and step is not checks.failed:
        for word in instruction.sources:
            source = checks.expander.word(word, checks.env(step))
            if not is_remote(source):
                _check_ignored(checks, step, instruction, clean(source))


def _check_ignored(checks: _StageChecks, step: Step, instruction: Copy, path: str) -> None:
    ignored = checks.ignored
    if path in _ROOTS and not any(pattern.text in _ALL_ROOTS for pattern in ignored.patterns):
        return
    if ignored.matches(path):
        name = "Add" if instruction.is_add else "Copy"
        checks.add(check_rules.COPY_IGNORED_FILE, step, name=name, quoted=quote(path))


def _command(checks: _StageChecks, step: Step, instruction: Cmd | Entrypoint) -> None:
    _check_once(checks, step, instruction)
    if instruction.shell and not step.shell:
        checks.add(check_rules.JSON_ARGS_RECOMMENDED, step, name=instruction.origin.name)


def _check_once(
    checks: _StageChecks,
    step: Step,  # noqa: ARG001
    instruction: Cmd | Entrypoint | Healthcheck,
) -> None:
    """Report an earlier instruction of the same kind, which has no effect."""
    origin = instruction.origin
    before = checks.once.get(type(instruction))
    if before is not None:
        rule = check_rules.MULTIPLE_INSTRUCTIONS_DISALLOWED
        checks.report.add(rule, before, origin.comments, name=origin.name)
    checks.once[type(instruction)] = origin.lines


def _expose(checks: _StageChecks, step: Step, instruction: Expose) -> None:
    env = step.env if "$" in instruction.origin.code else {}
    words = [word for port in instruction.ports for word in checks.expander.words(port, env)]
    for word in words:
        *host, container = word.split(":")
        port, _, protocol = container.partition("/")
        if port and protocol.lower() in ("", *PROTOCOLS):
            if protocol != protocol.lower():
                checks.add(check_rules.EXPOSE_PROTO_CASING, step, port=word)
            if any(host):
                checks.add(check_rules.EXPOSE_INVALID_FORMAT, step, port=word)
        if step is checks.failed:
            parse_port(word, instruction.origin.span)


def _added_instruction(checks: _StageChecks, step: Step, instruction: AddedInstruction) -> None:
    if not instruction.kind.is_whole:
        flag_values = (value for values in instruction.flags.values() for value in values)
        checks.words(step, *flag_values, *instruction.words)


def _variables_only(words: Callable[[Any], tuple[str, ...]]) -> _Check:
    """Create a check that covers only the variables of an instruction."""
    return lambda checks, step, instruction: checks.words(step, *words(instruction))


_Check = Callable[[_StageChecks, "Step", Any], None]
_CHECKS: Mapping[type, _Check] = {
    AddedInstruction: _added_instruction,
    Arg: _arg,
    Cmd: _command,
    Copy: _copy,
    Entrypoint: _command,
    Env: _env,
    Expose: _expose,
    Healthcheck: _check_once,
    Label: _label,
    Run: _run,
    StopSignal: _variables_only(lambda instruction: (instruction.signal,)),
    User: _variables_only(lambda instruction: (instruction.name,)),
    Volume: _variables_only(lambda instruction: instruction.paths),
    Workdir: _workdir,
}
