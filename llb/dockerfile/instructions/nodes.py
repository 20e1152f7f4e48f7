"""Instructions of a Dockerfile, one class each.

Variables are not expanded yet; that needs the environment at the instruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.errors.catalogue import Source
    from llb.dockerfile.grammar import InstructionSyntax
    from llb.dockerfile.instructions.mounts import MountFlag
    from llb.dockerfile.parser.parser import Heredoc
    from llb.errors import Span
    from llb.ops.nodes import Device

SCRATCH = "scratch"


# Every instruction creates one, and a frozen class takes three times as long.
@define
class Origin:
    """The source of an instruction: its code on one line, its line numbers, and its file.

    An ONBUILD trigger has the lines of the FROM that runs it. ``comments`` are those right above
    the instruction.
    """

    code: str
    lines: tuple[int, int]
    source: Source = field(repr=False)
    is_trigger: bool = False
    comments: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """The position in the file."""
        return self.source.span(*self.lines)

    @property
    def name(self) -> str:
        """The name of the instruction as it is written."""
        return self.code.split(maxsplit=1)[0]


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
class Onbuild:
    """``ONBUILD instruction``; builds that use the image as their base run it."""

    origin: Origin
    expression: str


@frozen
class Maintainer:
    """``MAINTAINER name``."""

    origin: Origin
    name: str


# Instances are dictionary keys, and may have thousands of mounts.
@frozen(eq=False)
class Run:
    """``RUN command``; ``shell`` is whether a shell runs it."""

    origin: Origin
    args: tuple[str, ...]
    shell: bool
    heredocs: tuple[Heredoc, ...]
    mounts: tuple[MountFlag, ...]
    network: str
    security: str
    devices: tuple[Device, ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        """The mounted stages and images, as they are written."""
        # A mount without from counts as one of an empty stage, whatever its type. Because of
        # that, Docker names the stage even in a file that has a single one.
        return tuple(mount.stage or SCRATCH for mount in self.mounts)


@frozen(eq=False)
class Copy:
    """``COPY`` and ``ADD``: sources, heredocs as sources, and the destination.

    ``unpack`` and ``keep_git_dir`` are None if the instruction does not set them.
    """

    origin: Origin
    is_add: bool
    sources: tuple[str, ...]
    documents: tuple[Heredoc, ...]
    dest: str
    stage: str | None
    chown: str
    chmod: str
    exclude: tuple[str, ...]
    link: bool = False
    parents: bool = False
    unpack: bool | None = None
    keep_git_dir: bool | None = None
    checksum: str = ""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stage name, stage index or image of ``--from``, as it is written."""
        return () if self.stage is None else (self.stage,)

    @property
    def unpacks_paths(self) -> bool:
        """Whether archives among the sources are extracted; by default only ADD does."""
        return self.is_add if self.unpack is None else self.unpack


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


@frozen
class Healthcheck:
    """``HEALTHCHECK CMD command`` or ``NONE``; durations are in nanoseconds, 0 by default."""

    origin: Origin
    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


# Instances are dictionary keys, and the mapping of flags is not hashable.
@frozen(eq=False)
class AddedInstruction:
    """An instruction that a language adds, with the syntax ``kind``.

    ``flags`` maps the flags that are present to their values. ``stages`` are the values of the
    flags that name a tree, in the order of ``kind.trees``.
    """

    origin: Origin
    kind: InstructionSyntax
    words: tuple[str, ...]
    flags: Mapping[str, tuple[str, ...]]
    documents: tuple[Heredoc, ...]
    stages: tuple[str, ...]


TakesFromStage: TypeAlias = Copy | Run | AddedInstruction
Instruction: TypeAlias = (
    From
    | AddedInstruction
    | Arg
    | Env
    | Label
    | Maintainer
    | Onbuild
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
    | Healthcheck
)
