"""Checks of what is converted: each instruction with the variables and the image at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llb.dockerfile import check_rules
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.instructions.nodes import (
    Added,
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
_TELLING = _SECRET | _HARMLESS
_ROOTS = (".", "/")
_VARIABLE = re.compile(r"\$\{?((?:[a-zA-Z_][a-zA-Z0-9_]*+|[0-9]++)(?![^\x00-\x7f])|[@*#?$!-])")
_ALL_ROOTS = ("*", "**", "**/*")


def check_steps(trail: Trail, options: ConvertOptions, expander: Expander, report: Report) -> None:
    """Check the instructions that were converted, in that order."""
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
            # It is the one that the conversion failed at, and says so itself.
            return


class _StageChecks:
    """The checks of a stage, and what it has done so far.

    ``declared`` are its arguments, ``once`` the lines of instructions that count once.
    ``failed`` is the step that the conversion failed at.
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
        """Take over what is known of the stage below; those without instructions do nothing."""
        below = stage.base
        while below is not None and below not in stages:
            below = below.base
        if below is not None:
            self.declared |= stages[below].declared
            self.has_workdir = stages[below].has_workdir

    def add(self, rule: Rule, step: Step, /, **found: str) -> None:
        """Report what was found in an instruction."""
        origin = step.instruction.origin
        self.report.add(rule, origin.lines, origin.comments, **found)

    def expand(self, step: Step, text: str, expander: Expander | None = None) -> str:
        """Return a word with its variables replaced, and report those that are not defined."""
        expander = expander or self.expander
        if "$" not in text:
            return expander.word(text, {})
        variables = Lookups(self.env(step))
        try:
            return expander.word(text, variables)
        finally:
            self.missing(step, variables)

    def env(self, step: Step) -> Mapping[str, str]:
        """Return the variables before an instruction; steps come in the order of the file."""
        return self._variables.follow(step.state.settings.process.env)

    def missing(self, step: Step, variables: Lookups) -> None:
        """Report the variables that were asked for and are neither set nor declared."""
        for name in variables.missing:
            if name not in self.declared and name not in NOT_IN_ENV:
                near = suggestion(name, variables, "$")
                self.add(check_rules.UNDEFINED_VAR, step, variable=name, suggestion=near)

    def words(self, step: Step, *words: str) -> None:
        """Report what is not defined in any of some words."""
        for each in words:
            # One of an instruction that failed may be the reason for it.
            if step is self.failed or ("$" in each and not self.knows(step, each)):
                self.expand(step, each)

    def knows(self, step: Step, text: str) -> bool:
        """Return whether all variables in a word are surely known, so that it need not be read."""
        names = _VARIABLE.findall(text)
        return len(names) == text.count("$") and self.env(step).keys() >= set(names)


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
    """Report the old form, ``name value``, which has one pair and no ``=`` in its first word."""
    if pairs != 1:
        return
    origin, escape = step.instruction.origin, checks.expander.escape
    _, rest = split_flags(split_first(origin.code)[1], escape)
    if "=" not in split_quoted(rest, escape)[0]:
        checks.add(check_rules.LEGACY_KEY_VALUE_FORMAT, step, name=origin.name)


def _check_secret(checks: _StageChecks, step: Step, name: str, key: str) -> None:
    parts = _TELLING.intersection(key.lower().split("_"))
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
            # The variable set last stands last.
            own.pop(name, None)
            own[name] = value
        checks.declared.add(name)


def _default(checks: _StageChecks, step: Step, text: str, own: Mapping[str, str]) -> str:
    """Return the default of an argument; ``own`` are those before it in the instruction."""
    if "$" not in text:
        return checks.expander.word(text, own)
    env = checks.env(step)
    if own:
        env = {**{key: value for key, value in env.items() if key not in own}, **own}
    variables = Lookups(env)
    try:
        return checks.expander.word(text, variables)
    finally:
        checks.missing(step, variables)


def _run(checks: _StageChecks, step: Step, instruction: Run) -> None:
    for flag in instruction.mounts:
        checks.words(step, *(each.partition("=")[2] for each in flag.fields))
        if step is checks.failed:
            parse_mount(flag, lambda text: checks.expander.word(text, checks.env(step)))


def _workdir(checks: _StageChecks, step: Step, instruction: Workdir) -> None:
    path = checks.expand(step, instruction.path)
    # The directory of an image may change with the image, and does not count.
    is_rooted = is_absolute(path) if step.is_windows else path.startswith("/")
    if not checks.has_workdir and not is_rooted:
        checks.add(check_rules.WORKDIR_RELATIVE_PATH, step, quoted=quote(path))
    checks.has_workdir = True


def _copy(checks: _StageChecks, step: Step, instruction: Copy) -> None:
    checks.words(step, instruction.chown, instruction.chmod, instruction.checksum)
    checks.words(step, *instruction.sources, instruction.dest)
    for document in instruction.documents:
        if document.expand and "$" in document.content:
            checks.expand(step, document.content, DOCUMENT)
    # What is taken back from the ignored files is too hard to tell from here.
    has_patterns = checks.ignored.patterns and not checks.ignored.exclusions
    if has_patterns and instruction.stage is None and step is not checks.failed:
        for each in instruction.sources:
            source = checks.expander.word(each, checks.env(step))
            if not is_remote(source):
                _check_ignored(checks, step, instruction, clean(source))


def _check_ignored(checks: _StageChecks, step: Step, instruction: Copy, path: str) -> None:
    ignored = checks.ignored
    if path in _ROOTS and not any(each.text in _ALL_ROOTS for each in ignored.patterns):
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


def _added(checks: _StageChecks, step: Step, instruction: Added) -> None:
    if not instruction.kind.is_whole:
        given = (each for values in instruction.flags.values() for each in values)
        checks.words(step, *given, *instruction.words)


def _plain(words: Callable[[Any], tuple[str, ...]]) -> _Check:
    """Return the check of an instruction of which just the variables are checked."""
    return lambda checks, step, instruction: checks.words(step, *words(instruction))


_Check = Callable[[_StageChecks, "Step", Any], None]
_CHECKS: Mapping[type, _Check] = {
    Added: _added,
    Arg: _arg,
    Cmd: _command,
    Copy: _copy,
    Entrypoint: _command,
    Env: _env,
    Expose: _expose,
    Healthcheck: _check_once,
    Label: _label,
    Run: _run,
    StopSignal: _plain(lambda instruction: (instruction.signal,)),
    User: _plain(lambda instruction: (instruction.name,)),
    Volume: _plain(lambda instruction: instruction.paths),
    Workdir: _workdir,
}
