"""Interpret nodes as instructions, and check their flags and arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, evolve

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.devices import parse_device
from llb.dockerfile.instructions.mounts import parse_flag
from llb.dockerfile.instructions.nodes import (
    AddedInstruction,
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
_NOT_SINGLE = "onbuild trigger should be a single expression"
_ONBUILD = re.compile(r"\A\s*ONBUILD\s*", re.IGNORECASE)
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")


def interpret(parsed: Parsed) -> tuple[Instruction, ...]:
    """Interpret the nodes of a file as instructions. Raises DockerfileError."""
    instructions: list[Instruction] = []
    has_stage = False
    for node in parsed.nodes:
        try:
            instruction = interpret_node(node, parsed.source, parsed.grammar)
        except errors.DockerfileError as error:
            error.names_line = True
            raise
        has_stage = has_stage or isinstance(instruction, From)
        if not has_stage and not isinstance(instruction, Arg):
            raise errors.no_stage_yet(instruction.origin.span)
        instructions.append(instruction)
    return tuple(instructions)


def interpret_trigger(
    expression: str, begin: From, source: errors.Source, grammar: Grammar
) -> Instruction:
    """Interpret an ONBUILD instruction of the base image, at the FROM that runs it.

    Raises DockerfileError at that FROM.
    """
    try:
        nodes = parse(encode(expression), source.filename, grammar).nodes
        if len(nodes) != 1:
            raise errors.bad_trigger(begin.origin.span, _NOT_SINGLE)
        node = evolve(nodes[0], lines=begin.origin.lines)
        trigger = interpret_node(node, source, grammar)
    except errors.DockerfileError as error:
        raise errors.bad_trigger(begin.origin.span, error.message) from error
    return evolve(trigger, origin=evolve(trigger.origin, is_trigger=True))


def interpret_node(node: Node, source: errors.Source, grammar: Grammar) -> Instruction:
    """Interpret one node, whatever precedes it. Raises DockerfileError."""
    name = node.name.upper()
    origin = Origin(node.original.strip(WHITE), node.lines, source, comments=node.comments)
    reader = _NodeReader(node, source, origin)
    if name in _BUILDERS:
        return _BUILDERS[name](reader)
    syntax = grammar.added.get(name)
    if syntax is None:
        span = source.span(*node.lines, word=node.name)
        raise errors.unknown_instruction(span, node.name, grammar.names)
    return _added_instruction(reader, syntax)


@define
class _NodeReader:
    """Reads the flags and arguments of a node."""

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
        """Check the flags of the node, and map their names to their values.

        ``strings`` take a value, ``switches`` take true or false, ``repeated`` take a value and
        may occur several times.
        """
        if not self.node.flags:
            return {}
        names = (*strings, *switches, *repeated)
        flags: dict[str, tuple[str, ...]] = {}
        for flag in self.node.flags:
            name, equals, value = flag[2:].partition("=")
            shown = f"--{name}"
            span = self.flag_span(shown)
            if name not in names:
                raise errors.unknown_flag(span, shown, [f"--{option}" for option in names])
            if name in flags and name not in repeated:
                raise errors.repeated_flag(span, shown)
            if name in switches:
                if equals and not value:
                    raise errors.missing_flag_value(span, shown)
                value = value.lower() or "true"
                if value not in ("true", "false"):
                    raise errors.bad_flag_value(span, shown, value)
            elif not equals:
                raise errors.missing_flag_value(span, shown)
            flags[name] = (*flags.get(name, ()), value)
        return flags

    def flag_span(self, flag: str, value: str | None = None) -> Span:
        """Locate a flag, preferably the occurrence with this value."""
        if value is not None:
            span = self.source.span(*self.node.lines, word=f"{flag}={value}")
            if span.column is not None:
                return span
        return self.source.span(*self.node.lines, word=flag)

    def choice(
        self, flags: Mapping[str, tuple[str, ...]], name: str, allowed: tuple[str, ...]
    ) -> str:
        """Read a flag that takes one of the allowed words, by default the first of them."""
        (value,) = flags.get(name, allowed[:1])
        if value not in allowed:
            flag = f"--{name}"
            raise errors.bad_run_option(self.flag_span(flag), flag, value, allowed)
        return value

    def one_argument(self) -> str:
        """Read the single argument."""
        if len(self.args) != 1:
            raise errors.not_one_argument(self.span, self.node.name.upper())
        # Docker does not check the flags of STOPSIGNAL.
        if self.node.name.lower() != "stopsignal":
            self.flags()
        return self.args[0]


def _added_instruction(reader: _NodeReader, syntax: InstructionSyntax) -> AddedInstruction:
    flags = reader.flags(syntax.flags + syntax.trees, syntax.switches, repeated=syntax.repeated)
    words = reader.args
    if syntax.documents and not syntax.is_whole:
        words = tuple(word for word in words if parse_heredoc(word) is None)
    if len(words) < syntax.least or (syntax.most is not None and len(words) > syntax.most):
        raise errors.bad_count(reader.span, syntax.name, len(words), syntax.least, syntax.most)
    stages = tuple(flags[name][0] for name in syntax.trees if name in flags)
    return AddedInstruction(reader.origin, syntax, words, flags, reader.node.heredocs, stages)


def _from(reader: _NodeReader) -> From:
    args = reader.args
    name = None
    if len(args) == 3 and args[1].lower() == "as":
        name = args[2].lower()
        if not _STAGE_NAME.match(name):
            span = reader.source.span(*reader.node.lines, word=args[2])
            raise errors.bad_stage_name(span, args[2])
    elif len(args) != 1:
        raise errors.bad_from(reader.span)
    flags = reader.flags(("platform",))
    (platform,) = flags.get("platform", (None,))
    return From(reader.origin, args[0], name, platform)


def _arg(reader: _NodeReader) -> Arg:
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "ARG")
    args: list[tuple[str, str | None]] = []
    for word in reader.args:
        name, equals, value = word.partition("=")
        if not name:
            raise errors.blank_name(reader.span, "ARG")
        args.append((name, value if equals else None))
    return Arg(reader.origin, tuple(args))


def _read_pairs(reader: _NodeReader) -> tuple[tuple[str, str], ...]:
    name = reader.node.name.upper()
    reader.flags()
    if not reader.args:
        raise errors.too_few_arguments(reader.span, name)
    keys = reader.args[::2]
    if "" in keys:
        raise errors.blank_name(reader.span, name)
    return tuple(zip(keys, reader.args[1::2], strict=True))


def _run(reader: _NodeReader) -> Run:
    flags = reader.flags(("network", "security"), repeated=("mount", "device"))
    return Run(
        origin=reader.origin,
        args=reader.args,
        shell=not reader.node.json,
        heredocs=reader.node.heredocs,
        mounts=tuple(
            parse_flag(value, reader.flag_span("--mount", value))
            for value in flags.get("mount", ())
        ),
        network=reader.choice(flags, "network", tuple(NETWORKS)),
        security=reader.choice(flags, "security", tuple(SECURITIES)),
        devices=tuple(
            parse_device(value, reader.flag_span("--device", value))
            for value in flags.get("device", ())
        ),
    )


def _copy(reader: _NodeReader) -> Copy:
    name = reader.node.name.upper()
    is_add = name == "ADD"
    if len(reader.args) < 2:
        raise errors.no_destination(reader.span, name)
    flags = reader.flags(
        ("chown", "chmod", "checksum" if is_add else "from"),
        ("link", "keep-git-dir", "unpack") if is_add else ("link", "parents"),
        repeated=("exclude",),
    )
    switches = {key: value == "true" for key, (value, *_) in flags.items()}
    *words, dest = reader.args
    if parse_heredoc(dest) is not None:
        raise errors.heredoc_destination(reader.span, name)
    openers = [parse_heredoc(word) if "<<" in word else None for word in words]
    contents = {heredoc.name: heredoc.content for heredoc in reader.node.heredocs}
    return Copy(
        origin=reader.origin,
        is_add=is_add,
        sources=tuple(word for word, opener in zip(words, openers, strict=True) if opener is None),
        documents=tuple(
            evolve(opener, content=contents.get(opener.name, ""))
            for opener in openers
            if opener is not None
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


def _expose(reader: _NodeReader) -> Expose:
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "EXPOSE")
    reader.flags()
    return Expose(reader.origin, tuple(sorted(reader.args)))


def _volume(reader: _NodeReader) -> Volume:
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "VOLUME")
    reader.flags()
    paths = tuple(path.strip(WHITE) for path in reader.args)
    if not all(paths):
        raise errors.empty_volume(reader.span)
    return Volume(reader.origin, paths)


def _shell(reader: _NodeReader) -> Shell:
    reader.flags()
    if not reader.node.json and reader.args:
        raise errors.not_json(reader.span, "SHELL")
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "SHELL")
    return Shell(reader.origin, reader.args)


def _cmd(reader: _NodeReader) -> Cmd:
    reader.flags()
    return Cmd(reader.origin, reader.args, not reader.node.json)


def _entrypoint(reader: _NodeReader) -> Entrypoint:
    reader.flags()
    return Entrypoint(reader.origin, reader.args, not reader.node.json)


def _healthcheck(reader: _NodeReader) -> Healthcheck:
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "HEALTHCHECK")
    kind, *args = reader.args
    if kind.upper() == "NONE":
        if args:
            raise errors.bad_healthcheck(reader.span, "HEALTHCHECK NONE takes no arguments")
        # Docker does not check its flags.
        return Healthcheck(reader.origin, ("NONE",))
    flags = reader.flags((*_DURATIONS, "retries"))
    if kind.upper() != "CMD":
        raise errors.unknown_healthcheck(reader.span, kind)
    if not args:
        raise errors.bad_healthcheck(reader.span, "Missing command after HEALTHCHECK CMD")
    test = ("CMD" if reader.node.json else "CMD-SHELL", *args)
    values = {name: value for name, (value,) in flags.items() if value}
    interval, timeout, start_period, start_interval = (
        _parse_interval(reader, name, values.get(name, "0")) for name in _DURATIONS
    )
    return Healthcheck(
        origin=reader.origin,
        test=test,
        interval=interval,
        timeout=timeout,
        start_period=start_period,
        start_interval=start_interval,
        retries=_parse_retries(reader, values),
    )


def _parse_interval(reader: _NodeReader, name: str, duration: str) -> int:
    span = reader.flag_span(f"--{name}")
    try:
        value = parse_duration(duration)
    except ValueError as error:
        raise errors.bad_duration(span, f"--{name}", duration, str(error)) from error
    if value != 0 and value < MILLISECOND:
        raise errors.short_duration(span, f"--{name}", duration)
    return value


def _parse_retries(reader: _NodeReader, flags: Mapping[str, str]) -> int:
    number = flags.get("retries", "0")
    span = reader.flag_span("--retries")
    match = re.fullmatch(r"([+-]?)0*([0-9]+)", number)
    if match is None:
        raise errors.bad_retries(span, number, "invalid syntax")
    if len(match[2]) > 10 or int(match[2]) >= 2**31:
        raise errors.bad_retries(span, number, "value out of range")
    if match[1] == "-" and int(match[2]) > 0:
        raise errors.negative_retries(span, number)
    return int(match[2])


def _onbuild(reader: _NodeReader) -> Onbuild:
    if not reader.args:
        raise errors.too_few_arguments(reader.span, "ONBUILD")
    reader.flags()
    name = split_first(reader.args[0])[0].upper()
    if name == "ONBUILD":
        raise errors.chained_onbuild(reader.span)
    if name in ("FROM", "MAINTAINER"):
        raise errors.forbidden_trigger(reader.span, name)
    documents = (f"\n{heredoc.content}{heredoc.name}" for heredoc in reader.node.heredocs)
    expression = _ONBUILD.sub("", reader.node.original)
    return Onbuild(reader.origin, "".join([expression, *documents]))


_BUILDERS: dict[str, Callable[[_NodeReader], Instruction]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": lambda reader: Env(reader.origin, _read_pairs(reader)),
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": lambda reader: Label(reader.origin, _read_pairs(reader)),
    "MAINTAINER": lambda reader: Maintainer(reader.origin, reader.one_argument()),
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": lambda reader: StopSignal(reader.origin, reader.one_argument()),
    "USER": lambda reader: User(reader.origin, reader.one_argument()),
    "VOLUME": _volume,
    "WORKDIR": lambda reader: Workdir(reader.origin, reader.one_argument()),
}
