"""Nodes into instructions: flags and arguments checked, by the rules of each instruction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, evolve

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.devices import parse_device
from llb.dockerfile.instructions.mounts import parse_flag
from llb.dockerfile.instructions.nodes import (
    Added,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Origin,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from llb.dockerfile.parser.parser import Node, Parsed, parse, parse_heredoc
from llb.dockerfile.shell.words import WHITE, split_first
from llb.dockerfile_rules.run import NETWORKS, SECURITIES
from llb.gocompat.duration import MILLISECOND, parse_duration
from llb.gocompat.utf8 import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.dockerfile.grammar import Grammar, InstructionSyntax
    from llb.errors import Span

_DURATIONS = ("interval", "timeout", "start-period", "start-interval")
_NOT_ONE = "onbuild trigger should be a single expression"
_ONBUILD = re.compile(r"\A\s*ONBUILD\s*", re.IGNORECASE)
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")


def interpret(parsed: Parsed) -> tuple[Instruction, ...]:
    """Return the instructions of a file. Raises DockerfileError."""
    found: list[Instruction] = []
    has_stage = False
    for node in parsed.nodes:
        try:
            each = interpret_node(node, parsed.source, parsed.grammar)
        except errors.DockerfileError as error:
            error.names_line = True
            raise
        has_stage = has_stage or isinstance(each, From)
        if not has_stage and not isinstance(each, Arg):
            raise errors.no_stage_yet(each.origin.span)
        found.append(each)
    return tuple(found)


def interpret_trigger(
    expression: str, begin: From, source: errors.Source, grammar: Grammar
) -> Instruction:
    """Return an instruction that ONBUILD left in the base of ``begin``, as if it stood there.

    Raises DockerfileError at that FROM.
    """
    try:
        nodes = parse(encode(expression), source.filename, grammar).nodes
        if len(nodes) != 1:
            raise errors.bad_trigger(begin.origin.span, _NOT_ONE)
        node = evolve(nodes[0], lines=begin.origin.lines)
        found = interpret_node(node, source, grammar)
    except errors.DockerfileError as error:
        raise errors.bad_trigger(begin.origin.span, error.message) from error
    return evolve(found, origin=evolve(found.origin, is_trigger=True))


def interpret_node(node: Node, source: errors.Source, grammar: Grammar) -> Instruction:
    """Return the instruction of one node, wherever it stands. Raises DockerfileError."""
    name = node.name.upper()
    origin = Origin(node.original.strip(WHITE), node.lines, source, comments=node.comments)
    request = _Request(node, source, origin)
    if name in _BUILDERS:
        return _BUILDERS[name](request)
    kind = grammar.added.get(name)
    if kind is None:
        pointed = source.span(*node.lines, word=node.name)
        raise errors.unknown_instruction(pointed, node.name, grammar.names)
    return _added(request, kind)


@define
class _Request:
    """An instruction that is being checked."""

    node: Node
    source: errors.Source
    origin: Origin

    @property
    def args(self) -> tuple[str, ...]:
        return self.node.args

    @property
    def span(self) -> Span:
        return self.origin.span

    def flags(
        self,
        strings: tuple[str, ...] = (),
        switches: tuple[str, ...] = (),
        *,
        repeated: tuple[str, ...] = (),
    ) -> Mapping[str, tuple[str, ...]]:
        """Return the values of the flags that are given, checked.

        ``strings`` take a value, ``switches`` take true or false, ``repeated`` take a
        value and may stand several times.
        """
        if not self.node.flags:
            return {}
        known = (*strings, *switches, *repeated)
        found: dict[str, tuple[str, ...]] = {}
        for flag in self.node.flags:
            name, equals, value = flag[2:].partition("=")
            shown = f"--{name}"
            span = self.flag_span(shown)
            if name not in known:
                raise errors.unknown_flag(span, shown, [f"--{each}" for each in known])
            if name in found and name not in repeated:
                raise errors.repeated_flag(span, shown)
            if name in switches:
                if equals and not value:
                    raise errors.missing_flag_value(span, shown)
                value = value.lower() or "true"
                if value not in ("true", "false"):
                    raise errors.bad_flag_value(span, shown, value)
            elif not equals:
                raise errors.missing_flag_value(span, shown)
            found[name] = (*found.get(name, ()), value)
        return found

    def flag_span(self, flag: str, value: str | None = None) -> Span:
        """Return the place of a flag, of the one with ``value`` if it is written that way."""
        if value is not None:
            span = self.source.span(*self.node.lines, word=f"{flag}={value}")
            if span.column is not None:
                return span
        return self.source.span(*self.node.lines, word=flag)

    def choice(
        self, flags: Mapping[str, tuple[str, ...]], name: str, known: tuple[str, ...]
    ) -> str:
        """Return the value of a flag that takes one of some words, the first where it is absent."""
        (value,) = flags.get(name, known[:1])
        if value not in known:
            flag = f"--{name}"
            raise errors.bad_run_option(self.flag_span(flag), flag, value, known)
        return value

    def one_argument(self) -> str:
        """Return the only argument."""
        if len(self.args) != 1:
            raise errors.not_one_argument(self.span, self.node.name.upper())
        # Docker does not look at what STOPSIGNAL has for flags.
        if self.node.name.lower() != "stopsignal":
            self.flags()
        return self.args[0]


def _added(request: _Request, kind: InstructionSyntax) -> Added:
    flags = request.flags(kind.flags + kind.trees, kind.switches, repeated=kind.repeated)
    words = request.args
    if kind.documents and not kind.is_whole:
        words = tuple(word for word in words if parse_heredoc(word) is None)
    if len(words) < kind.least or (kind.most is not None and len(words) > kind.most):
        raise errors.bad_count(request.span, kind.name, len(words), kind.least, kind.most)
    stages = tuple(flags[name][0] for name in kind.trees if name in flags)
    return Added(request.origin, kind, words, flags, request.node.heredocs, stages)


def _from(request: _Request) -> From:
    args = request.args
    name = None
    if len(args) == 3 and args[1].lower() == "as":
        name = args[2].lower()
        if not _STAGE_NAME.match(name):
            span = request.source.span(*request.node.lines, word=args[2])
            raise errors.bad_stage_name(span, args[2])
    elif len(args) != 1:
        raise errors.bad_from(request.span)
    flags = request.flags(("platform",))
    (platform,) = flags.get("platform", (None,))
    return From(request.origin, args[0], name, platform)


def _arg(request: _Request) -> Arg:
    if not request.args:
        raise errors.too_few_arguments(request.span, "ARG")
    args: list[tuple[str, str | None]] = []
    for word in request.args:
        name, equals, value = word.partition("=")
        if not name:
            raise errors.blank_name(request.span, "ARG")
        args.append((name, value if equals else None))
    return Arg(request.origin, tuple(args))


def _pairs(request: _Request) -> tuple[tuple[str, str], ...]:
    name = request.node.name.upper()
    request.flags()
    if not request.args:
        raise errors.too_few_arguments(request.span, name)
    keys = request.args[::2]
    if "" in keys:
        raise errors.blank_name(request.span, name)
    return tuple(zip(keys, request.args[1::2], strict=True))


def _run(request: _Request) -> Run:
    flags = request.flags(("network", "security"), repeated=("mount", "device"))
    return Run(
        origin=request.origin,
        args=request.args,
        shell=not request.node.json,
        heredocs=request.node.heredocs,
        mounts=tuple(
            parse_flag(each, request.flag_span("--mount", each)) for each in flags.get("mount", ())
        ),
        network=request.choice(flags, "network", tuple(NETWORKS)),
        security=request.choice(flags, "security", tuple(SECURITIES)),
        devices=tuple(
            parse_device(each, request.flag_span("--device", each))
            for each in flags.get("device", ())
        ),
    )


def _copy(request: _Request) -> Copy:
    name = request.node.name.upper()
    is_add = name == "ADD"
    if len(request.args) < 2:
        raise errors.no_destination(request.span, name)
    flags = request.flags(
        ("chown", "chmod", "checksum" if is_add else "from"),
        ("link", "keep-git-dir", "unpack") if is_add else ("link", "parents"),
        repeated=("exclude",),
    )
    switches = {key: value == "true" for key, (value, *_) in flags.items()}
    *words, dest = request.args
    if parse_heredoc(dest) is not None:
        raise errors.heredoc_destination(request.span, name)
    begun = [parse_heredoc(word) if "<<" in word else None for word in words]
    contents = {each.name: each.content for each in request.node.heredocs}
    return Copy(
        origin=request.origin,
        is_add=is_add,
        sources=tuple(word for word, each in zip(words, begun, strict=True) if each is None),
        documents=tuple(
            evolve(each, content=contents.get(each.name, "")) for each in begun if each is not None
        ),
        dest=dest,
        stage="".join(flags.get("from", ())) or None,
        chown="".join(flags.get("chown", ())),
        chmod="".join(flags.get("chmod", ())),
        exclude=flags.get("exclude", ()),
        link=switches.get("link", False),
        parents=switches.get("parents", False),
        unpack=switches.get("unpack"),
        keep_git_dir=switches.get("keep-git-dir"),
        checksum="".join(flags.get("checksum", ())),
    )


def _expose(request: _Request) -> Expose:
    if not request.args:
        raise errors.too_few_arguments(request.span, "EXPOSE")
    request.flags()
    return Expose(request.origin, tuple(sorted(request.args)))


def _volume(request: _Request) -> Volume:
    if not request.args:
        raise errors.too_few_arguments(request.span, "VOLUME")
    request.flags()
    paths = tuple(path.strip(WHITE) for path in request.args)
    if not all(paths):
        raise errors.empty_volume(request.span)
    return Volume(request.origin, paths)


def _shell(request: _Request) -> Shell:
    request.flags()
    if not request.node.json and request.args:
        raise errors.not_json(request.span, "SHELL")
    if not request.args:
        raise errors.too_few_arguments(request.span, "SHELL")
    return Shell(request.origin, request.args)


def _cmd(request: _Request) -> Cmd:
    request.flags()
    return Cmd(request.origin, request.args, not request.node.json)


def _entrypoint(request: _Request) -> Entrypoint:
    request.flags()
    return Entrypoint(request.origin, request.args, not request.node.json)


def _healthcheck(request: _Request) -> Healthcheck:
    if not request.args:
        raise errors.too_few_arguments(request.span, "HEALTHCHECK")
    kind, *args = request.args
    if kind.upper() == "NONE":
        if args:
            raise errors.bad_healthcheck(request.span, "HEALTHCHECK NONE takes no arguments")
        # Docker does not look at what it has for flags.
        return Healthcheck(request.origin, ("NONE",))
    flags = request.flags((*_DURATIONS, "retries"))
    if kind.upper() != "CMD":
        raise errors.unknown_healthcheck(request.span, kind)
    if not args:
        raise errors.bad_healthcheck(request.span, "Missing command after HEALTHCHECK CMD")
    test = ("CMD" if request.node.json else "CMD-SHELL", *args)
    given = {name: value for name, (value,) in flags.items() if value}
    interval, timeout, start_period, start_interval = (
        _interval(request, name, given.get(name, "0")) for name in _DURATIONS
    )
    return Healthcheck(
        origin=request.origin,
        test=test,
        interval=interval,
        timeout=timeout,
        start_period=start_period,
        start_interval=start_interval,
        retries=_retries(request, given),
    )


def _interval(request: _Request, name: str, text: str) -> int:
    span = request.flag_span(f"--{name}")
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise errors.bad_duration(span, f"--{name}", text, str(error)) from error
    if value != 0 and value < MILLISECOND:
        raise errors.short_duration(span, f"--{name}", text)
    return value


def _retries(request: _Request, flags: Mapping[str, str]) -> int:
    text = flags.get("retries", "0")
    span = request.flag_span("--retries")
    match = re.fullmatch(r"([+-]?)0*([0-9]+)", text)
    if match is None:
        raise errors.bad_retries(span, text, "invalid syntax")
    if len(match[2]) > 10 or int(match[2]) >= 2**31:
        raise errors.bad_retries(span, text, "value out of range")
    if match[1] == "-" and int(match[2]) > 0:
        raise errors.negative_retries(span, text)
    return int(match[2])


def _onbuild(request: _Request) -> Onbuild:
    if not request.args:
        raise errors.too_few_arguments(request.span, "ONBUILD")
    request.flags()
    name = split_first(request.args[0])[0].upper()
    if name == "ONBUILD":
        raise errors.chained_onbuild(request.span)
    if name in ("FROM", "MAINTAINER"):
        raise errors.forbidden_trigger(request.span, name)
    documents = (f"\n{each.content}{each.name}" for each in request.node.heredocs)
    expression = _ONBUILD.sub("", request.node.original)
    return Onbuild(request.origin, "".join([expression, *documents]))


_BUILDERS: dict[str, Callable[[_Request], Instruction]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": lambda request: Env(request.origin, _pairs(request)),
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": lambda request: Label(request.origin, _pairs(request)),
    "MAINTAINER": lambda request: Maintainer(request.origin, request.one_argument()),
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": lambda request: StopSignal(request.origin, request.one_argument()),
    "USER": lambda request: User(request.origin, request.one_argument()),
    "VOLUME": _volume,
    "WORKDIR": lambda request: Workdir(request.origin, request.one_argument()),
}
