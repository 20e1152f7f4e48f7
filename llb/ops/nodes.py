"""The operations of LLB as frozen values, without protobuf.

An operation refers to its inputs by :class:`Output`, so a graph consists only of operations that
hold each other. Operations compare by identity: two that were created separately are equal if their
digests are, which :mod:`llb.wire` computes. The fields are those of BuildKit's ``ops.proto``.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from llb.arguments.checked import checked_init, checked_raw_init
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


@checked_raw_init
@frozen
class ProgressGroup:
    """Steps that a progress display shows as one, under ``name``.

    Steps with the same ``id`` belong to the same group. A ``weak`` group yields to other groups.
    """

    id: str
    name: str
    weak: bool = False


def _check_limit(_: object, attribute: Attribute[int], value: int) -> None:
    minimum = -1 if attribute.name in ("memory_swap", "cpu_quota") else 0
    check_limit(value, attribute.name.replace("_", " "), least=minimum)


@checked_init
@frozen
class LinuxResources:
    """Resource limits of a step's cgroup; 0 or an empty string means no limit.

    ``memory`` and ``memory_swap`` are in bytes, ``cpu_period`` and ``cpu_quota`` in microseconds,
    ``cpu_shares`` is a relative weight, and ``cpuset_cpus`` and ``cpuset_mems`` are lists such as
    ``0-3,7``. ``memory_swap`` and ``cpu_quota`` of -1 are unlimited. Raises InvalidValueError for
    other negative numbers.
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
    """The platform, worker filters and metadata of a step.

    Only ``platform`` and ``worker_filters`` are part of the operation's digest; the other fields
    become its ``pb.OpMetadata`` and source locations.
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
"""The constraints of a step without any options."""


@frozen(eq=False)
class SourceOp:
    """A tree from outside the build: an image, a local directory, a git repository, a file.

    ``attrs`` are the source's options (``solver/pb/attr.go``). ``caps`` are the capabilities that
    the daemon needs for them.
    """

    identifier: str
    attrs: tuple[tuple[str, str], ...] = ()
    caps: tuple[str, ...] = ()
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """Always empty: a source has no inputs."""
        return ()


class LateSourceOp:
    """A placeholder for a source that is bound after the steps that use it are created.

    What a build sends of its context depends on all steps, and the steps refer to the context. This
    is the only mutable operation; it changes once.
    """

    __slots__ = ("_source",)

    def __init__(self) -> None:
        self._source: SourceOp | None = None

    @property
    def source(self) -> SourceOp:
        """The bound source. Raises InvalidValueError if it is not bound yet."""
        if self._source is None:
            raise InvalidValueError(
                "the build context is not known before the build is complete",
                hint="use context(follow_paths=[...]) for a tree that is marshaled on its own",
            )
        return self._source

    @property
    def is_bound(self) -> bool:
        """Whether :meth:`bind` was called."""
        return self._source is not None

    def bind(self, source: SourceOp) -> None:
        """Replace the placeholder with ``source``. Raises InvalidValueError on a second call."""
        if self._source is not None:
            raise InvalidValueError("the source is already bound")
        self._source = source

    @property
    def inputs(self) -> tuple[Output, ...]:
        """Always empty: a source has no inputs."""
        return ()

    @property
    def constraints(self) -> Constraints:
        """The constraints of the source."""
        return self.source.constraints

    @property
    def call_site(self) -> CallSite | None:
        """The call site of the source."""
        return self.source.call_site


@frozen(eq=False)
class Bind:
    """A bind mount of a tree into a process.

    A writable mount has an output, unless ``discard`` is set. ``source`` is None for an empty tree.
    """

    target: str
    source: Output | None
    selector: str = ""
    readonly: bool = False
    discard: bool = False
    content_cache: ContentCache = ContentCache.DEFAULT

    @property
    def has_output(self) -> bool:
        """Whether other steps can use what the process writes to the mount."""
        return not self.readonly and not self.discard


@frozen(eq=False)
class Cache:
    """A cache mount: a directory that the daemon keeps between builds under ``id``."""

    target: str
    id: str
    sharing: CacheSharing = CacheSharing.SHARED
    source: Output | None = None
    selector: str = ""
    readonly: bool = False
    content_cache: ContentCache = ContentCache.DEFAULT

    @property
    def has_output(self) -> bool:
        """Always False: the content of a cache is not part of any result."""
        return False


@frozen(eq=False)
class Tmpfs:
    """A tmpfs mount of at most ``size`` bytes (0: the system's default).

    ``selector`` and ``readonly`` exist because a Dockerfile can set them; BuildKit ignores both.
    """

    target: str
    size: int = 0
    selector: str = ""
    readonly: bool = False

    @property
    def source(self) -> Output | None:
        """Always None: a tmpfs starts empty."""
        return None

    @property
    def has_output(self) -> bool:
        """Always False: the content is lost when the process ends."""
        return False


Mount: TypeAlias = Bind | Cache | Tmpfs


@frozen(eq=False)
class Secret:
    """A secret of the client, as a file at ``target``, as the variable ``env``, or as both.

    A changed ``cache_key`` invalidates the cache of the process.
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


@checked_init
@frozen(eq=False)
class Ulimit:
    """A resource limit of a process, by its getrlimit(2) name without ``RLIMIT_``."""

    name: str
    soft: int
    hard: int


@checked_init
@frozen(eq=False)
class Device:
    """A device for a process, by its name in the Container Device Interface: ``vendor.com/gpu=all``.

    A missing device fails the step, unless it is ``optional``.
    """

    name: str
    optional: bool = False


@checked_init
@frozen(eq=False)
class ProxyEnv:
    """Proxy variables of a process, which its cache key does not include."""

    http_proxy: str = ""
    https_proxy: str = ""
    ftp_proxy: str = ""
    no_proxy: str = ""
    all_proxy: str = ""


@frozen(eq=False)
class Process:
    """The settings of a process; steps with the same settings share one instance.

    ``base`` is an image whose config is not known yet. Its variables come before those of ``env``,
    its user applies if ``user`` is empty, and ``cwd`` may be a path below its working directory
    (:class:`llb.ops.base_images.BasePath`).
    """

    env: Env = field(default=Env())
    cwd: str = "/"
    user: str = ""
    hostname: str = ""
    network: Network = Network.SANDBOX
    security: Security = Security.SANDBOX
    extra_hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""
    base: SourceOp | None = None

    def with_env(self, env: Env) -> Process:
        """Replace the environment."""
        # Builds change the environment most often, and attrs' evolve takes five times as long.
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
            self.base,
        )


@frozen(eq=False)
class ExecOp:
    """A process run in a tree.

    ``root`` is None if the process starts in an empty tree. ``mounts`` are sorted by target as Go
    sorts them; that is, after the root, the order of inputs and outputs on the wire.
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
        """The root and the mounted trees, in mount order."""
        root = () if self.root is None else (self.root,)
        if not self.mounts:
            return root
        return (*root, *[mount.source for mount in self.mounts if mount.source is not None])

    def output(self, target: str) -> Output | None:
        """Find the output of the writable mount at ``target`` (``/`` is the root), or None."""
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
    """A user or group: a number, or a name that the daemon looks up in the tree's own files."""

    id: int | None = None
    name: str | None = None


@frozen(eq=False)
class Owner:
    """The user and group of a file; None leaves one unchanged."""

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
    """Create a directory; ``timestamp`` is in nanoseconds since 1970."""

    path: str
    mode: int
    make_parents: bool = False
    owner: Owner | None = None
    timestamp: int | None = None


@frozen(eq=False)
class MkfileAction:
    """Write ``data`` to a file; ``timestamp`` is in nanoseconds since 1970."""

    path: str
    mode: int
    data: bytes = field(repr=False)
    owner: Owner | None = None
    timestamp: int | None = None


@frozen(eq=False)
class RmAction:
    """Remove a file or directory tree."""

    path: str
    allow_not_found: bool = False
    allow_wildcard: bool = False


@frozen(eq=False)
class SymlinkAction:
    """Create ``newpath`` as a symbolic link to ``oldpath``."""

    oldpath: str
    newpath: str
    owner: Owner | None = None
    timestamp: int | None = None


FileAction: TypeAlias = CopyAction | MkdirAction | MkfileAction | RmAction | SymlinkAction


@frozen(eq=False)
class FileOp:
    """File actions on a tree, applied in order, without running a process.

    ``base`` is None for an empty tree.
    """

    base: Output | None
    actions: tuple[FileAction, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The base and then the trees to copy from, last action first, as Go visits them."""
        copied = tuple(
            action.source
            for action in reversed(self.actions)
            if isinstance(action, CopyAction) and action.source is not None
        )
        return copied if self.base is None else (self.base, *copied)


@frozen(eq=False)
class MergeOp:
    """A merge of trees, the last on top."""

    inputs: tuple[Output, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)


@frozen(eq=False)
class DiffOp:
    """The changes from ``lower`` to ``upper``; None is the empty tree."""

    lower: Output | None
    upper: Output | None
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The lower and then the upper tree."""
        return tuple(tree for tree in (self.lower, self.upper) if tree is not None)


@frozen(eq=False)
class BuildOp:
    """The result of a definition that is stored in a file of a tree.

    An empty ``filename`` is the daemon's default, ``buildkit.llb.definition``.
    """

    source: Output
    filename: str = ""
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The tree that contains the file."""
        return (self.source,)


def _check_passthrough_id(_: object, __: object, value: str) -> None:
    if not value:
        raise InvalidValueError("invalid passthrough id '': expected a name")


@frozen(eq=False)
class PassthroughOp:
    """Trees that are built together; the inputs at the indexes in ``forwarded`` are its outputs."""

    id: str = field(validator=_check_passthrough_id)
    inputs: tuple[Output, ...]
    forwarded: tuple[int, ...]
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)
    call_site: CallSite | None = field(default=None, repr=False)


@frozen(eq=False)
class EncodedOp:
    """An operation of an existing definition, whose bytes stay as they are."""

    data: bytes = field(repr=False)
    inputs: tuple[Output, ...]
    caps: frozenset[str] = frozenset()
    constraints: Constraints = field(default=UNCONSTRAINED, repr=False)

    @property
    def call_site(self) -> None:
        """Always None: the locations come from the definition."""
        return None


Op: TypeAlias = (
    SourceOp
    | LateSourceOp
    | ExecOp
    | FileOp
    | MergeOp
    | DiffOp
    | BuildOp
    | PassthroughOp
    | EncodedOp
)


def source_of(op: Op) -> SourceOp | None:
    """Resolve a bound or plain source; None for any other operation."""
    source = op.source if isinstance(op, LateSourceOp) else op
    return source if isinstance(source, SourceOp) else None


@frozen(eq=False, repr=False)
class Output:
    """One result of an operation, by index."""

    op: Op
    index: int = 0

    def __repr__(self) -> str:
        """Format the kind of operation and the index, without the graph below."""
        return f"Output({type(self.op).__name__}, {self.index})"
