"""The operations of LLB as frozen values, without protobuf.

An operation refers to its inputs by :class:`Output`, so that a graph is just
operations that hold each other. They compare by identity: two operations that
were written separately are equal when their digests are, which
:mod:`llb.wire` computes. The fields are those of BuildKit's ``ops.proto``.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import field, fields, frozen

from llb.errors import InvalidValueError
from llb.ops.defaults import SECRET_MODE, SSH_MODE
from llb.ops.env import Env
from llb.validation import check_limit

if TYPE_CHECKING:
    from attrs import Attribute

    from llb.platforms import Platform
    from llb.source_map import CallSite, Location


class Network(Enum):
    """The network of a process; the values are those of ``pb.NetMode``."""

    SANDBOX = 0
    HOST = 1
    NONE = 2


class Security(Enum):
    """The privileges of a process; the values are those of ``pb.SecurityMode``."""

    SANDBOX = 0
    INSECURE = 1


class CacheSharing(Enum):
    """How builds share a cache mount; the values are those of ``pb.CacheSharingOpt``."""

    SHARED = 0
    PRIVATE = 1
    LOCKED = 2


class ContentCache(Enum):
    """Whether a mount's content digest is a cache key (``pb.MountContentCache``)."""

    DEFAULT = 0
    ON = 1
    OFF = 2


@frozen
class ProgressGroup:
    """Steps that a progress display shows as one; a weak one gives way to others."""

    id: str
    name: str
    weak: bool = False


def _check_limit(_: object, attribute: Attribute[int], value: int) -> None:
    least = -1 if attribute.name in ("memory_swap", "cpu_quota") else 0
    check_limit(value, attribute.name.replace("_", " "), least=least)


@frozen
class LinuxResources:
    """Limits of a step's cgroup: bytes, shares, microseconds and cpu lists, 0 for none.

    ``memory_swap`` and ``cpu_quota`` of -1 are without a limit.
    """

    memory: int = field(default=0, validator=_check_limit)
    memory_swap: int = field(default=0, validator=_check_limit)
    cpu_shares: int = field(default=0, validator=_check_limit)
    cpu_period: int = field(default=0, validator=_check_limit)
    cpu_quota: int = field(default=0, validator=_check_limit)
    cpuset_cpus: str = ""
    cpuset_mems: str = ""


@frozen
class Constraints:
    """What is said about a step rather than done by it.

    Only ``platform`` and ``worker_filters`` reach the operation's digest; the
    rest becomes its ``pb.OpMetadata`` and source locations.
    """

    platform: Platform | None = None
    worker_filters: tuple[str, ...] = ()
    ignore_cache: bool = False
    description: tuple[tuple[str, str], ...] = ()
    export_cache: bool | None = None
    progress_group: ProgressGroup | None = None
    resources: LinuxResources | None = None
    locations: tuple[Location, ...] = ()


UNCONSTRAINED = Constraints()
"""Of a step of which nothing is said."""


@frozen(eq=False)
class SourceOp:
    """A tree that comes from outside: an image, a local directory, a repository, a file.

    ``attrs`` are the source's own options (``solver/pb/attr.go``); ``caps``
    the capabilities that the daemon must have for them.
    """

    identifier: str
    attrs: tuple[tuple[str, str], ...] = ()
    caps: tuple[str, ...] = ()
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """A source has none."""
        return ()


@frozen(eq=False)
class Bind:
    """A tree mounted into a process; writable ones have an output of their own.

    ``source`` is absent for an empty tree. ``discard`` keeps a writable mount
    from having an output.
    """

    target: str
    source: Output | None
    selector: str = ""
    readonly: bool = False
    discard: bool = False
    content_cache: ContentCache = ContentCache.DEFAULT

    @property
    def has_output(self) -> bool:
        """Whether what the process wrote here can be used by other steps."""
        return not self.readonly and not self.discard


@frozen(eq=False)
class Cache:
    """A directory that stays on the daemon between builds, known by ``id``."""

    target: str
    id: str
    sharing: CacheSharing = CacheSharing.SHARED
    source: Output | None = None
    selector: str = ""
    readonly: bool = False
    content_cache: ContentCache = ContentCache.DEFAULT

    @property
    def has_output(self) -> bool:
        """A cache is no part of any result."""
        return False


@frozen(eq=False)
class Tmpfs:
    """A directory in memory, of ``size`` bytes at most (0: no limit of its own).

    ``selector`` and ``readonly`` are what Dockerfiles can say of it, for what it is worth.
    """

    target: str
    size: int = 0
    selector: str = ""
    readonly: bool = False

    @property
    def source(self) -> Output | None:
        """A tmpfs starts empty."""
        return None

    @property
    def has_output(self) -> bool:
        """What is in memory is gone with the process."""
        return False


Mount: TypeAlias = Bind | Cache | Tmpfs


@frozen(eq=False)
class Secret:
    """A secret of the client, as a file at ``target``, as variable ``env``, or as both.

    ``cache_key`` is a text whose change runs the process anew.
    """

    id: str
    target: str | None
    env: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = SECRET_MODE
    optional: bool = False
    cache_key: str | None = field(default=None, repr=False)


@frozen(eq=False)
class SSH:
    """An ssh agent of the client, as a socket at ``target``."""

    id: str
    target: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = SSH_MODE
    optional: bool = False


@frozen(eq=False)
class Ulimit:
    """A resource limit of a process, by its name in getrlimit(2) without RLIMIT_."""

    name: str
    soft: int
    hard: int


@frozen(eq=False)
class Device:
    """A device of the Container Device Interface."""

    name: str
    optional: bool = False


@frozen(eq=False)
class ProxyEnv:
    """Proxy variables of a process, which are no part of its cache key."""

    http_proxy: str = ""
    https_proxy: str = ""
    ftp_proxy: str = ""
    no_proxy: str = ""
    all_proxy: str = ""


PROXY_NAMES = tuple(each.name for each in fields(ProxyEnv))


@frozen(eq=False)
class Process:
    """What a process is run with; steps that say nothing of their own share one of these."""

    env: Env = field(default=Env())
    cwd: str = "/"
    user: str = ""
    hostname: str = ""
    network: Network = Network.SANDBOX
    security: Security = Security.SANDBOX
    extra_hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""

    def with_env(self, env: Env) -> Process:
        """Return the process with other variables."""
        # It is what builds change most, and attrs' evolve takes five times as long.
        return Process(
            env,
            self.cwd,
            self.user,
            self.hostname,
            self.network,
            self.security,
            self.extra_hosts,
            self.ulimits,
            self.cgroup_parent,
        )


@frozen(eq=False)
class ExecOp:
    """A process run in a tree.

    ``root`` is absent where the process begins in an empty tree. ``mounts`` are sorted
    by target as Go sorts them, which is, after the root, the order of inputs and
    outputs on the wire.
    """

    args: tuple[str, ...]
    root: Output | None
    readonly_root: bool
    mounts: tuple[Mount, ...]
    process: Process
    valid_exit_codes: tuple[int, ...] | None = None
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[SSH, ...] = ()
    devices: tuple[Device, ...] = ()
    proxy: ProxyEnv | None = None
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The root and the trees that are mounted, in mount order."""
        root = () if self.root is None else (self.root,)
        if not self.mounts:
            return root
        return (*root, *[mount.source for mount in self.mounts if mount.source is not None])

    def output(self, target: str) -> Output | None:
        """Return the output of the writable mount at ``target``, the root included, or None."""
        if target == "/":
            return None if self.readonly_root else Output(self)
        index = 0 if self.readonly_root else 1
        for mount in self.mounts:
            if mount.has_output:
                if mount.target == target:
                    return Output(self, index)
                index += 1
        return None


@frozen(eq=False)
class User:
    """An owner: a number, or a name that the daemon looks up in the tree's own files."""

    id: int | None = None
    name: str | None = None


@frozen(eq=False)
class Owner:
    """User and group of a file; an absent one is left as it is."""

    user: User | None = None
    group: User | None = None


@frozen(eq=False)
class CopyAction:
    """Copy ``src`` of another tree to ``dest``; the fields are those of ``FileActionCopy``."""

    source: Output | None
    src: str
    dest: str
    owner: Owner | None = None
    mode: int | str | None = None
    timestamp: int | None = None
    follow_symlinks: bool = False
    copy_dir_contents_only: bool = False
    attempt_unpack: bool = False
    create_dest_path: bool = False
    allow_wildcard: bool = False
    allow_empty_wildcard: bool = False
    include_patterns: tuple[str, ...] = ()
    exclude_patterns: tuple[str, ...] = ()
    always_replace_existing_dest_paths: bool = False
    required_paths: tuple[str, ...] = ()


@frozen(eq=False)
class MkdirAction:
    """Make a directory; ``timestamp`` is in nanoseconds since 1970."""

    path: str
    mode: int
    make_parents: bool = False
    owner: Owner | None = None
    timestamp: int | None = None


@frozen(eq=False)
class MkfileAction:
    """Write a file with these bytes; ``timestamp`` is in nanoseconds since 1970."""

    path: str
    mode: int
    data: bytes = field(repr=False)
    owner: Owner | None = None
    timestamp: int | None = None


@frozen(eq=False)
class RmAction:
    """Remove a file or a tree."""

    path: str
    allow_not_found: bool = False
    allow_wildcard: bool = False


@frozen(eq=False)
class SymlinkAction:
    """Make ``newpath`` a symbolic link to ``oldpath``."""

    oldpath: str
    newpath: str
    owner: Owner | None = None
    timestamp: int | None = None


FileAction: TypeAlias = CopyAction | MkdirAction | MkfileAction | RmAction | SymlinkAction


@frozen(eq=False)
class FileOp:
    """Changes to a tree, one after the other, without running anything in it.

    ``base`` is absent for an empty tree.
    """

    base: Output | None
    actions: tuple[FileAction, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The base and then the copied trees, last action first, as Go visits them."""
        copied = tuple(
            action.source
            for action in reversed(self.actions)
            if isinstance(action, CopyAction) and action.source is not None
        )
        return copied if self.base is None else (self.base, *copied)


@frozen(eq=False)
class MergeOp:
    """Trees laid over each other, the last on top."""

    inputs: tuple[Output, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)


@frozen(eq=False)
class DiffOp:
    """What ``upper`` changes in ``lower``; an absent one is the empty tree."""

    lower: Output | None
    upper: Output | None
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The lower and then the upper tree."""
        return tuple(side for side in (self.lower, self.upper) if side is not None)


@frozen(eq=False)
class BuildOp:
    """What a definition says that stands in a file of a tree.

    An empty ``filename`` is the daemon's default, ``buildkit.llb.definition``.
    """

    source: Output
    filename: str = ""
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The tree with the file."""
        return (self.source,)


def _check_passthrough_id(_: object, __: object, value: str) -> None:
    if not value:
        raise InvalidValueError("invalid passthrough id '': expected a name")


@frozen(eq=False)
class PassthroughOp:
    """Trees that are built together; those at the places in ``forwarded`` are its outputs."""

    id: str = field(validator=_check_passthrough_id)
    inputs: tuple[Output, ...]
    forwarded: tuple[int, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)


@frozen(eq=False)
class EncodedOp:
    """An operation of a definition that was made elsewhere; its bytes stay as they are."""

    data: bytes = field(repr=False)
    inputs: tuple[Output, ...]
    caps: frozenset[str] = frozenset()
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)

    @property
    def call_site(self) -> None:
        """Where it was made is in its locations."""
        return None


Op: TypeAlias = SourceOp | ExecOp | FileOp | MergeOp | DiffOp | BuildOp | PassthroughOp | EncodedOp


@frozen(eq=False, repr=False)
class Output:
    """One of an operation's results, by number."""

    op: Op
    index: int = 0

    def __repr__(self) -> str:
        """Return the kind of operation and the number, not the graph below."""
        return f"Output({type(self.op).__name__}, {self.index})"


class Tree(Protocol):
    """Anything whose result can be mounted or copied from: in practice a State."""

    @property
    def output(self) -> Output | None:
        """The result, or None for the empty tree."""

    @property
    def cwd(self) -> str:
        """The directory that relative paths in the tree are taken from."""
