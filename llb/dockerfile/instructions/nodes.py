"""Instructions with their meaning, one class each.

Nothing is expanded yet; that needs the environment at the place of the instruction.
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


# There is one for each instruction, and a frozen class takes three times as long.
@define
class Origin:
    """Where an instruction comes from: its text on one line, its lines, and its place.

    The lines of one that ONBUILD has left are those of the FROM that it belongs to.
    ``comments`` are those right above it.
    """

    code: str
    lines: tuple[int, int]
    source: Source = field(repr=False)
    is_trigger: bool = False
    comments: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """Its place in the file."""
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
    """``ONBUILD instruction``, which is run by builds upon the image."""

    origin: Origin
    expression: str


@frozen
class Maintainer:
    """``MAINTAINER name``."""

    origin: Origin
    name: str


# They are keys of what they need, and may have thousands of mounts.
@frozen(eq=False)
class Run:
    """``RUN command``; ``shell`` is whether a shell reads it."""

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
        """The stages and images that are mounted, as they are written."""
        # A mount from nowhere counts as one of an empty stage, whatever its type: that is
        # how Docker comes to name the stages of a file that has a single one.
        return tuple(mount.stage or SCRATCH for mount in self.mounts)


@frozen(eq=False)
class Copy:
    """``COPY`` and ``ADD``: sources, here-documents as sources, and the destination.

    ``unpack`` and ``keep_git_dir`` are absent where the instruction does not say.
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
        """The stage, number of a stage, or image that is copied from, as it is written."""
        return () if self.stage is None else (self.stage,)

    @property
    def unpacks_paths(self) -> bool:
        """Whether archives among its paths are extracted: by default ADD does, and COPY does not."""
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
    """``HEALTHCHECK CMD command`` or ``NONE``; durations are in nanoseconds, 0 where absent."""

    origin: Origin
    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


# It is a key of the trees that it takes from, and has flags that are none.
@frozen(eq=False)
class Added:
    """An instruction that a language adds, in the syntax of ``kind``.

    ``flags`` has the values of those that are given, ``stages`` those of the flags that name a
    tree, in the order of the kind.
    """

    origin: Origin
    kind: InstructionSyntax
    words: tuple[str, ...]
    flags: Mapping[str, tuple[str, ...]]
    documents: tuple[Heredoc, ...]
    stages: tuple[str, ...]


Taking: TypeAlias = Copy | Run | Added
Instruction: TypeAlias = (
    From
    | Added
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
