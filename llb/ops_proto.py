"""The fields of the messages in BuildKit's ``ops.proto``, as functions that encode one field.

Classes and fields are named as in the ``.proto`` file and sorted by field number; ``def_`` is
``def``. ``pb.Meta.cwd("/src")`` encodes that field to bytes; a default value encodes to no bytes.
Join the fields of a message in the order of their numbers, as Go writes them. A field that holds a
message takes the encoded message: ``pb.ExecOp.meta(pb.Meta.cwd("/src"))``. Fields that this library
never writes are missing.
"""

from __future__ import annotations

from llb.protobuf import (
    binary,
    flag_map,
    integer,
    message,
    message_map,
    oneof_integer,
    packed_integers,
    string,
    string_map,
    strings,
)


class Op:
    """One operation; inputs come first, then the constraints, then the kind of operation."""

    inputs = message(1)
    exec = message(2)
    source = message(3)
    file = message(4)
    build = message(5)
    merge = message(6)
    diff = message(7)
    passthrough = message(8)
    platform = message(10)
    constraints = message(11)


class Platform:
    """The platform of an operation or of an image."""

    Architecture = string(1)
    OS = string(2)
    Variant = string(3)
    OSVersion = string(4)
    OSFeatures = strings(5)


class Input:
    """An output of another operation, by digest and index."""

    digest = string(1)
    index = integer(2)


class ExecOp:
    """A process and its mounts."""

    meta = message(1)
    mounts = message(2)
    network = integer(3)
    security = integer(4)
    secretenv = message(5)
    cdiDevices = message(6)


class Meta:
    """The settings of a process."""

    args = strings(1)
    env = strings(2)
    cwd = string(3)
    user = string(4)
    proxy_env = message(5)
    extraHosts = message(6)
    hostname = string(7)
    ulimit = message(9)
    cgroupParent = string(10)
    removeMountStubsRecursive = integer(11)
    validExitCodes = packed_integers(12)


class HostIP:
    """A line of ``/etc/hosts``."""

    Host = string(1)
    IP = string(2)


class Ulimit:
    """A resource limit."""

    Name = string(1)
    Soft = integer(2)
    Hard = integer(3)


class SecretEnv:
    """A secret in an environment variable."""

    ID = string(1)
    name = string(2)
    optional = integer(3)


class CDIDevice:
    """A device of the Container Device Interface."""

    name = string(1)
    optional = integer(2)


class Mount:
    """A mount of a process."""

    input = integer(1)
    selector = string(2)
    dest = string(3)
    output = integer(4)
    readonly = integer(5)
    mountType = integer(6)
    TmpfsOpt = message(19)
    cacheOpt = message(20)
    secretOpt = message(21)
    SSHOpt = message(22)
    contentCache = integer(24)


class MountType:
    """The values of ``Mount.mountType``."""

    BIND = 0
    SECRET = 1
    SSH = 2
    CACHE = 3
    TMPFS = 4


class TmpfsOpt:
    """The options of a tmpfs mount."""

    size = integer(1)


class CacheOpt:
    """The options of a cache mount."""

    ID = string(1)
    sharing = integer(2)


class SecretOpt:
    """The options of a secret mount."""

    ID = string(1)
    uid = integer(2)
    gid = integer(3)
    mode = integer(4)
    optional = integer(5)


class SSHOpt:
    """The options of the mount of an ssh agent's socket."""

    ID = string(1)
    uid = integer(2)
    gid = integer(3)
    mode = integer(4)
    optional = integer(5)


class SourceOp:
    """A source and its attributes."""

    identifier = string(1)
    attrs = string_map(2)


class BuildOp:
    """A build of a definition in the tree of an input."""

    builder = integer(1)
    inputs = message_map(2)
    attrs = string_map(4)


class BuildInput:
    """An input of a BuildOp, by index."""

    input = integer(1)


class OpMetadata:
    """The metadata of an operation, which its digest does not include."""

    ignore_cache = integer(1)
    description = string_map(2)
    export_cache = message(4)
    caps = flag_map(5)
    progress_group = message(6)
    linux_resources = message(7)


class Source:
    """The source maps of a definition."""

    locations = message_map(1)
    infos = message(2)


class Locations:
    """The locations of one operation."""

    locations = message(1)


class SourceInfo:
    """A source file."""

    filename = string(1)
    data = binary(2)
    definition = message(3)
    language = string(4)


class Location:
    """Ranges in a source file; the file is an index into ``Source.infos``."""

    sourceIndex = integer(1)
    ranges = message(2)


class Range:
    """A range of a source file."""

    start = message(1)
    end = message(2)


class Position:
    """A line and a character in it."""

    line = integer(1)
    character = integer(2)


class ExportCache:
    """Whether to export the cache of an operation."""

    Value = integer(1)


class ProgressGroup:
    """A group of steps that a progress display shows as one."""

    id = string(1)
    name = string(2)
    weak = integer(3)


class LinuxResources:
    """The limits of a cgroup."""

    memory = integer(1)
    memorySwap = integer(2)
    cpuShares = integer(3)
    cpuPeriod = integer(4)
    cpuQuota = integer(5)
    cpusetCpus = string(6)
    cpusetMems = string(7)


class ProxyEnv:
    """The proxy variables of a process."""

    http_proxy = string(1)
    https_proxy = string(2)
    ftp_proxy = string(3)
    no_proxy = string(4)
    all_proxy = string(5)


class WorkerConstraints:
    """The filters that choose a worker."""

    filter = strings(1)


class Definition:
    """Encoded operations, with their metadata and source maps."""

    def_ = message(1)
    metadata = message_map(2)
    Source = message(3)


class FileOp:
    """Actions on files."""

    actions = message(2)


class FileAction:
    """One action on files, with the indexes of its inputs and of its output."""

    input = integer(1)
    secondaryInput = integer(2)
    output = integer(3)
    copy = message(4)
    mkfile = message(5)
    mkdir = message(6)
    rm = message(7)
    symlink = message(8)


class FileActionCopy:
    """A copy from the secondary input."""

    src = string(1)
    dest = string(2)
    owner = message(3)
    mode = integer(4)
    followSymlink = integer(5)
    dirCopyContents = integer(6)
    attemptUnpackDockerCompatibility = integer(7)
    createDestPath = integer(8)
    allowWildcard = integer(9)
    allowEmptyWildcard = integer(10)
    timestamp = integer(11)
    include_patterns = strings(12)
    exclude_patterns = strings(13)
    alwaysReplaceExistingDestPaths = integer(14)
    modeStr = string(15)
    required_paths = strings(16)


class FileActionMkFile:
    """A new file."""

    path = string(1)
    mode = integer(2)
    data = binary(3)
    owner = message(4)
    timestamp = integer(5)


class FileActionSymlink:
    """A new symbolic link."""

    oldpath = string(1)
    newpath = string(2)
    owner = message(3)
    timestamp = integer(4)


class FileActionMkDir:
    """A new directory."""

    path = string(1)
    mode = integer(2)
    makeParents = integer(3)
    owner = message(4)
    timestamp = integer(5)


class FileActionRm:
    """The removal of a path."""

    path = string(1)
    allowNotFound = integer(2)
    allowWildcard = integer(3)


class ChownOpt:
    """The owner of a file."""

    user = message(1)
    group = message(2)


class UserOpt:
    """A user or group, by name or by number."""

    byName = message(1)
    byID = oneof_integer(2)


class NamedUserOpt:
    """A user name, and the index of the input in whose files the daemon looks it up."""

    name = string(1)
    input = integer(2)


class MergeInput:
    """An input of a MergeOp, by index."""

    input = integer(1)


class MergeOp:
    """A merge of trees, the last on top."""

    inputs = message(1)


class LowerDiffInput:
    """The lower input of a DiffOp, by index."""

    input = integer(1)


class UpperDiffInput:
    """The upper input of a DiffOp, by index."""

    input = integer(1)


class DiffOp:
    """The difference of two trees."""

    lower = message(1)
    upper = message(2)


class PassthroughOp:
    """Trees that are built together."""

    id = string(1)
    outputs = packed_integers(2)
