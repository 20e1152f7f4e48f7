"""Instructions with their meaning: flags and arguments checked, one class each.

Nothing is expanded yet; that needs the environment at the place of the instruction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from frontend.dockerfile import errors
from frontend.dockerfile.expand import ExpansionError
from frontend.dockerfile.parser import INSTRUCTIONS, Heredoc, Node, Parsed, parse_heredoc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.errors import Span

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")


@frozen
class Origin:
    """Where an instruction comes from: its text on one line, its lines, and its place."""

    code: str
    lines: tuple[int, int]
    span: Span = field(repr=False)


@frozen
class From:
    """``FROM [--platform=P] base [AS name]``; the name is in lower case."""

    origin: Origin
    base: str
    name: str | None
    platform: str | None


@frozen
class Arg:
    """``ARG name[=default] …``."""

    origin: Origin
    args: tuple[tuple[str, str | None], ...]


@frozen
class Env:
    """``ENV name=value …``."""

    origin: Origin
    pairs: tuple[tuple[str, str], ...]


@frozen
class Label:
    """``LABEL name=value …``."""

    origin: Origin
    pairs: tuple[tuple[str, str], ...]


@frozen
class Maintainer:
    """``MAINTAINER name``."""

    origin: Origin
    name: str


@frozen
class Run:
    """``RUN command``; ``shell`` is whether a shell reads it."""

    origin: Origin
    args: tuple[str, ...]
    shell: bool
    heredocs: tuple[Heredoc, ...]


@frozen
class Copy:
    """``COPY`` and ``ADD``: sources, here-documents as sources, and the destination."""

    origin: Origin
    is_add: bool
    sources: tuple[str, ...]
    documents: tuple[Heredoc, ...]
    dest: str
    stage: str | None
    chown: str
    chmod: str
    exclude: tuple[str, ...]
    unpack: bool


@frozen
class Workdir:
    """``WORKDIR path``."""

    origin: Origin
    path: str


@frozen
class User:
    """``USER user[:group]``."""

    origin: Origin
    name: str


@frozen
class Cmd:
    """``CMD command``."""

    origin: Origin
    args: tuple[str, ...]
    shell: bool


@frozen
class Entrypoint:
    """``ENTRYPOINT command``."""

    origin: Origin
    args: tuple[str, ...]
    shell: bool


@frozen
class Expose:
    """``EXPOSE port …``, sorted."""

    origin: Origin
    ports: tuple[str, ...]


@frozen
class Volume:
    """``VOLUME path …``."""

    origin: Origin
    paths: tuple[str, ...]


@frozen
class StopSignal:
    """``STOPSIGNAL signal``."""

    origin: Origin
    signal: str


@frozen
class Shell:
    """``SHELL ["program", …]``."""

    origin: Origin
    args: tuple[str, ...]


Instruction: TypeAlias = (
    From
    | Arg
    | Env
    | Label
    | Maintainer
    | Run
    | Copy
    | Workdir
    | User
    | Cmd
    | Entrypoint
    | Expose
    | Volume
    | StopSignal
    | Shell
)


def interpret(parsed: Parsed) -> tuple[Instruction, ...]:
    """Return the instructions of a file. Raises DockerfileError."""
    return tuple(_interpret(node, parsed.source) for node in parsed.nodes)


def _interpret(node: Node, source: errors.Source) -> Instruction:
    name = node.name.upper()
    span = source.span(*node.lines)
    if name not in INSTRUCTIONS:
        pointed = source.span(*node.lines, word=node.name)
        raise errors.unknown_instruction(pointed, node.name, INSTRUCTIONS)
    if name not in _BUILDERS:
        raise errors.unsupported(source.span(*node.lines, word=node.name), name)
    origin = Origin(node.original.strip(), node.lines, span)
    return _BUILDERS[name](_Request(node, source, origin))


@frozen
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
        lacking: tuple[str, ...] = (),
    ) -> Mapping[str, tuple[str, ...]]:
        """Return the values of the flags that are given, checked.

        ``strings`` take a value, ``switches`` take true or false, ``repeated`` take a
        value and may stand several times; ``lacking`` are those of Docker's frontend
        that are refused.
        """
        known = (*strings, *switches, *repeated)
        found: dict[str, tuple[str, ...]] = {}
        for flag in self.node.flags:
            name, equals, value = flag[2:].partition("=")
            shown = f"--{name}"
            span = self.source.span(*self.node.lines, word=shown)
            if name in lacking:
                raise errors.unsupported(span, f"{self.node.name.upper()} {shown}")
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

    def one_argument(self) -> str:
        """Return the only argument."""
        self.flags()
        if len(self.args) != 1:
            raise errors.not_one_argument(self.span, self.node.name.upper())
        return self.args[0]


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
    pairs = tuple(zip(request.args[::2], request.args[1::2], strict=True))
    if not all(key for key, _ in pairs):
        raise errors.blank_name(request.span, name)
    return pairs


def _run(request: _Request) -> Run:
    request.flags(lacking=("mount", "network", "security", "device"))
    return Run(request.origin, request.args, not request.node.json, request.node.heredocs)


def _copy(request: _Request) -> Copy:
    name = request.node.name.upper()
    is_add = name == "ADD"
    if len(request.args) < 2:
        raise errors.no_destination(request.span, name)
    flags = request.flags(
        ("chown", "chmod") if is_add else ("chown", "chmod", "from"),
        ("unpack",) if is_add else (),
        repeated=("exclude",),
        lacking=("link", "keep-git-dir", "checksum") if is_add else ("link", "parents"),
    )
    *words, dest = request.args
    if _heredoc(dest, request.span) is not None:
        raise errors.heredoc_destination(request.span, name)
    documents = {each.name: each for each in request.node.heredocs}
    sources: list[str] = []
    found: list[Heredoc] = []
    for word in words:
        begun = _heredoc(word, request.span)
        if begun is None or request.node.json:
            sources.append(word)
        else:
            found.append(documents[begun.name])
    (unpack,) = flags.get("unpack", ("true",))
    return Copy(
        origin=request.origin,
        is_add=is_add,
        sources=tuple(sources),
        documents=tuple(found),
        dest=dest,
        stage="".join(flags.get("from", ())) or None,
        chown="".join(flags.get("chown", ())),
        chmod="".join(flags.get("chmod", ())),
        exclude=flags.get("exclude", ()),
        unpack=is_add and unpack == "true",
    )


def _heredoc(word: str, span: Span) -> Heredoc | None:
    try:
        return parse_heredoc(word)
    except ExpansionError as error:
        raise errors.substitution(span, word, str(error)) from error


def _expose(request: _Request) -> Expose:
    request.flags()
    if not request.args:
        raise errors.too_few_arguments(request.span, "EXPOSE")
    return Expose(request.origin, tuple(sorted(request.args)))


def _volume(request: _Request) -> Volume:
    request.flags()
    if not request.args:
        raise errors.too_few_arguments(request.span, "VOLUME")
    paths = tuple(path.strip() for path in request.args)
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


_BUILDERS: dict[str, Callable[[_Request], Instruction]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": lambda request: Env(request.origin, _pairs(request)),
    "EXPOSE": _expose,
    "FROM": _from,
    "LABEL": lambda request: Label(request.origin, _pairs(request)),
    "MAINTAINER": lambda request: Maintainer(request.origin, request.one_argument()),
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": lambda request: StopSignal(request.origin, request.one_argument()),
    "USER": lambda request: User(request.origin, request.one_argument()),
    "VOLUME": _volume,
    "WORKDIR": lambda request: Workdir(request.origin, request.one_argument()),
}
