"""Operations to bytes, digests and a definition; the one place that serializes a message.

The bytes are those of Go's ``client/llb``, because the daemon encodes every
operation anew with Go's rules and looks up source locations by the digest it
finds. Go writes protobuf fields by number, map entries sorted by key, except
that the members of a oneof come after the plain fields. Python writes by number
alone, and ``pb.Op`` is the one message where that differs: its platform (10) and
constraints (11) come before the operation (2 to 8). :func:`_serialize` therefore
writes the two parts one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, cast

from attrs import field, frozen, mutable

from llb._pb import ops_pb2 as pb
from llb.definition import Definition, OpMetadata, digest_of
from llb.graph import post_order
from llb.ops import (
    SSH,
    Bind,
    Cache,
    Constraints,
    ContentCache,
    CopyAction,
    DiffOp,
    ExecOp,
    FileAction,
    FileOp,
    MergeOp,
    MkdirAction,
    MkfileAction,
    Mount,
    Network,
    Op,
    Output,
    Owner,
    ProxyEnv,
    RmAction,
    Secret,
    Security,
    SourceOp,
    SymlinkAction,
    Tmpfs,
    User,
)
from llb.source_map import Location, Range, SourceFile, python_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.platforms import Platform

# Values of the wire (solver/pb/const.go): no input, and a mount without an output.
_EMPTY = -1
_SKIP_OUTPUT = -1
_NO_TIMESTAMP = -1
_KEEP_MODE = -1

_PLATFORM_SOURCES = ("docker-image://", "oci-layout://")
_LOCAL = "local://"
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen
class MarshalOptions:
    """What a definition depends on besides its graph.

    ``platform`` is that of operations which name none, ``worker_filters`` are
    put before those of each operation. ``local_unique_id`` keeps equal local
    sources of different builds apart. ``caps`` are the capabilities of the
    daemon, where they are known; with them the default PATH is settled as Go
    does it. ``source_map`` is whether source locations are written.
    """

    platform: Platform
    worker_filters: tuple[str, ...] = ()
    local_unique_id: str = ""
    caps: frozenset[str] | None = None
    source_map: bool = True


def marshal(root: Output | None, options: MarshalOptions) -> Definition:
    """Return the definition of everything that ``root`` needs; None is the empty tree."""
    if root is None:
        return Definition()
    writer = _Writer(options)
    for op in post_order(root.op):
        writer.add(op)
    return writer.finish(root)


@mutable
class _Writer:
    """A definition while it is being written."""

    options: MarshalOptions
    digests: dict[int, str] = field(factory=dict)
    ops: dict[str, bytes] = field(factory=dict)
    metadata: dict[str, OpMetadata] = field(factory=dict)
    locations: dict[str, tuple[Location, ...]] = field(factory=dict)
    files: dict[SourceFile, None] = field(factory=dict)

    def add(self, op: Op) -> None:
        """Write ``op``, whose inputs were written before; equal operations become one."""
        message, body, caps = self._encode(op)
        data = _serialize(message, body)
        digest = digest_of(data)
        self.digests[id(op)] = digest
        self.ops.setdefault(digest, data)
        metadata = _metadata(op.constraints, caps)
        known = self.metadata.get(digest)
        self.metadata[digest] = metadata if known is None else known.merged(metadata)
        found = self._locations(op.constraints)
        self.files.update(dict.fromkeys(location.file for location in found))
        self.locations[digest] = self.locations.get(digest, ()) + found

    def finish(self, root: Output) -> Definition:
        """Return the definition with the operation that points at ``root`` as its last."""
        last = pb.Op(inputs=[self._input(root)]).SerializeToString(deterministic=True)
        caps = {"constraints", "platform"}
        if any(each.ignore_cache for each in self.metadata.values()):
            caps.add("meta.ignorecache")
        if any(each.description for each in self.metadata.values()):
            caps.add("meta.description")
        if any(each.export_cache is not None for each in self.metadata.values()):
            caps.add("meta.exportcache")
        return Definition(
            ops=(*self.ops.values(), last),
            metadata={**self.metadata, digest_of(last): OpMetadata(caps=frozenset(caps))},
            locations=self.locations,
            files=tuple(self.files),
        )

    def _encode(self, op: Op) -> tuple[pb.Op, pb.Op, set[str]]:
        """Return the plain fields, the oneof and the capabilities of ``op``."""
        message = pb.Op(
            constraints=pb.WorkerConstraints(
                filter=(*self.options.worker_filters, *op.constraints.worker_filters)
            )
        )
        match op:
            case SourceOp():
                body, caps = self._source(op)
                keeps_platform = op.identifier.startswith(_PLATFORM_SOURCES)
            case ExecOp():
                body, caps = self._exec(op, message)
                keeps_platform = True
            case FileOp():
                body, caps = self._file(op, message)
                keeps_platform = False
            case MergeOp():
                body, caps = self._merge(op, message)
                keeps_platform = False
            case DiffOp():
                body, caps = self._diff(op, message)
                keeps_platform = False
            case _:
                assert_never(op)
        if keeps_platform:
            platform = op.constraints.platform or self.options.platform
            message.platform.CopyFrom(_platform(platform))
        return message, body, caps

    def _input(self, output: Output) -> pb.Input:
        return pb.Input(digest=self.digests[id(output.op)], index=output.index)

    def _add_input(self, message: pb.Op, output: Output | None) -> int:
        """Return the number of ``output`` among the inputs, adding it where it is new."""
        if output is None:
            return _EMPTY
        added = self._input(output)
        for number, known in enumerate(message.inputs):
            if known == added:
                return number
        message.inputs.append(added)
        return len(message.inputs) - 1

    def _source(self, op: SourceOp) -> tuple[pb.Op, set[str]]:
        attrs, caps = dict(op.attrs), set(op.caps)
        if op.identifier.startswith(_LOCAL) and "local.session" not in attrs:
            attrs.setdefault("local.unique", self.options.local_unique_id)
            caps.add("source.local.unique")
        return pb.Op(source=pb.SourceOp(identifier=op.identifier, attrs=attrs)), caps

    def _exec(self, op: ExecOp, message: pb.Op) -> tuple[pb.Op, set[str]]:
        caps = _exec_caps(op)
        env, path_caps = self._exec_env(op)
        body = pb.ExecOp(
            meta=_meta(op, env),
            network=cast("pb.NetMode", op.network.value),
            security=cast("pb.SecurityMode", op.security.value),
            secretenv=[
                pb.SecretEnv(ID=each.id, name=each.env, optional=each.optional)
                for each in op.secrets
                if each.env is not None
            ],
            cdiDevices=[
                pb.CDIDevice(name=each.name, optional=each.optional) for each in op.devices
            ],
        )
        outputs = 0
        for mount in op.mounts:
            written = _mount(mount)
            written.input = self._add_input(message, mount.source)
            written.output = outputs if mount.has_output else _SKIP_OUTPUT
            outputs += mount.has_output
            body.mounts.append(written)
        body.mounts.extend(
            _secret_mount(each, each.target) for each in op.secrets if each.target is not None
        )
        body.mounts.extend(
            _ssh_mount(each, target) for each, target in zip(op.ssh, _ssh_targets(op), strict=True)
        )
        return pb.Op(exec=body), caps | path_caps

    def _exec_env(self, op: ExecOp) -> tuple[list[str], set[str]]:
        """Return the variables as Go settles them, and the capability that took part."""
        env = op.env
        names = {key for key, _ in env.items()}
        if op.ssh and "SSH_AUTH_SOCK" not in names:
            env = env.set("SSH_AUTH_SOCK", _ssh_targets(op)[0])
        caps: set[str] = set()
        if self.options.caps is not None:
            if "exec.meta.setsdefaultpath" in self.options.caps:
                caps.add("exec.meta.setsdefaultpath")
            elif "PATH" not in names and self.options.platform.os != "windows":
                env = env.set("PATH", _DEFAULT_PATH)
        return [f"{key}={value}" for key, value in env.items()], caps

    def _file(self, op: FileOp, message: pb.Op) -> tuple[pb.Op, set[str]]:
        base = self._add_input(message, op.base)
        sources = [
            self._add_input(message, action.source) if isinstance(action, CopyAction) else _EMPTY
            for action in op.actions
        ]
        body = pb.FileOp()
        for number, (action, source) in enumerate(zip(op.actions, sources, strict=True)):
            written = _file_action(action, base)
            # An action after the first works on the result of the one before it,
            # which is numbered after the inputs.
            written.input = base if number == 0 else len(message.inputs) + number - 1
            written.secondaryInput = source
            written.output = 0 if number == len(op.actions) - 1 else _SKIP_OUTPUT
            body.actions.append(written)
        # Go means to record the capabilities of single actions too, but records none of
        # them, and the daemon refuses one that it would record.
        return pb.Op(file=body), {"file.base"}

    def _merge(self, op: MergeOp, message: pb.Op) -> tuple[pb.Op, set[str]]:
        message.inputs.extend(self._input(each) for each in op.inputs)
        inputs = [pb.MergeInput(input=number) for number in range(len(op.inputs))]
        return pb.Op(merge=pb.MergeOp(inputs=inputs)), {"mergeop"}

    def _diff(self, op: DiffOp, message: pb.Op) -> tuple[pb.Op, set[str]]:
        numbers = []
        for side in (op.lower, op.upper):
            numbers.append(_EMPTY if side is None else len(message.inputs))
            if side is not None:
                message.inputs.append(self._input(side))
        lower, upper = numbers
        body = pb.DiffOp(lower=pb.LowerDiffInput(input=lower), upper=pb.UpperDiffInput(input=upper))
        return pb.Op(diff=body), {"diffop"}

    def _locations(self, constraints: Constraints) -> tuple[Location, ...]:
        if not self.options.source_map:
            return ()
        if constraints.locations or constraints.call_site is None:
            return constraints.locations
        site = constraints.call_site
        source_file = python_source(site.path)
        if source_file is None:
            return ()
        return (Location(source_file, (Range(site.line, site.line),)),)


def _serialize(message: pb.Op, body: pb.Op) -> bytes:
    plain = message.SerializeToString(deterministic=True)
    return plain + body.SerializeToString(deterministic=True)


def _metadata(constraints: Constraints, caps: set[str]) -> OpMetadata:
    return OpMetadata(
        ignore_cache=constraints.ignore_cache,
        description=dict(constraints.description),
        export_cache=constraints.export_cache,
        caps=frozenset(caps),
        progress_group=constraints.progress_group,
        resources=constraints.resources,
    )


def _platform(platform: Platform) -> pb.Platform:
    return pb.Platform(
        Architecture=platform.architecture,
        OS=platform.os,
        Variant=platform.variant or "",
        OSVersion=platform.os_version or "",
        OSFeatures=platform.os_features,
    )


def _exec_caps(op: ExecOp) -> set[str]:
    needs = {
        "exec.meta.base": True,
        "exec.meta.ulimit": bool(op.ulimits),
        "exec.meta.linux.resources": op.constraints.resources is not None,
        "exec.meta.network": op.network is not Network.SANDBOX,
        "exec.meta.security": op.security is not Security.SANDBOX,
        "exec.meta.proxyenv": op.proxy is not None,
        "exec.meta.cdi": bool(op.devices),
        "exec.validexitcode": op.valid_exit_codes is not None,
        "exec.mount.secret": bool(op.secrets),
        "exec.secretenv": any(each.env is not None for each in op.secrets),
        "exec.mount.ssh": bool(op.ssh),
    }
    caps = {cap for cap, needed in needs.items() if needed}
    for mount in op.mounts:
        caps |= _mount_caps(mount)
    return caps


def _mount_caps(mount: Mount) -> set[str]:
    caps = set()
    match mount:
        case Tmpfs():
            return {"exec.mount.tmpfs"} | ({"exec.mount.tmpfs.size"} if mount.size > 0 else set())
        case Cache():
            caps = {"exec.mount.cache", "exec.mount.cache.sharing"}
        case Bind() if mount.source is not None:
            caps = {"exec.mount.bind"}
    if mount.selector:
        caps.add("exec.mount.selector")
    if mount.content_cache is not ContentCache.DEFAULT:
        caps.add("exec.mount.cache.content")
    return caps


def _meta(op: ExecOp, env: Sequence[str]) -> pb.Meta:
    return pb.Meta(
        args=op.args,
        env=env,
        cwd=op.cwd,
        user=op.user,
        proxy_env=None if op.proxy is None else _proxy(op.proxy),
        extraHosts=[pb.HostIP(Host=host, IP=ip) for host, ip in op.extra_hosts],
        hostname=op.hostname,
        ulimit=[pb.Ulimit(Name=each.name, Soft=each.soft, Hard=each.hard) for each in op.ulimits],
        cgroupParent=op.cgroup_parent,
        removeMountStubsRecursive=True,
        validExitCodes=op.valid_exit_codes or (),
    )


def _proxy(proxy: ProxyEnv) -> pb.ProxyEnv:
    return pb.ProxyEnv(
        http_proxy=proxy.http_proxy,
        https_proxy=proxy.https_proxy,
        ftp_proxy=proxy.ftp_proxy,
        no_proxy=proxy.no_proxy,
        all_proxy=proxy.all_proxy,
    )


def _mount(mount: Mount) -> pb.Mount:
    match mount:
        case Bind():
            return pb.Mount(
                dest=mount.target,
                selector=mount.selector,
                readonly=mount.readonly,
                contentCache=cast("pb.MountContentCache", mount.content_cache.value),
            )
        case Cache():
            return pb.Mount(
                dest=mount.target,
                selector=mount.selector,
                readonly=mount.readonly,
                contentCache=cast("pb.MountContentCache", mount.content_cache.value),
                mountType=pb.CACHE,
                cacheOpt=pb.CacheOpt(
                    ID=mount.id, sharing=cast("pb.CacheSharingOpt", mount.sharing.value)
                ),
            )
        case Tmpfs():
            return pb.Mount(
                dest=mount.target,
                mountType=pb.TMPFS,
                TmpfsOpt=pb.TmpfsOpt(size=mount.size),
            )
        case _:
            assert_never(mount)


def _secret_mount(secret: Secret, target: str) -> pb.Mount:
    return pb.Mount(
        input=_EMPTY,
        dest=target,
        mountType=pb.SECRET,
        secretOpt=pb.SecretOpt(
            ID=secret.id,
            uid=secret.uid,
            gid=secret.gid,
            mode=secret.mode,
            optional=secret.optional,
        ),
    )


def _ssh_mount(agent: SSH, target: str) -> pb.Mount:
    return pb.Mount(
        input=_EMPTY,
        dest=target,
        mountType=pb.SSH,
        SSHOpt=pb.SSHOpt(
            ID=agent.id, uid=agent.uid, gid=agent.gid, mode=agent.mode, optional=agent.optional
        ),
    )


def _ssh_targets(op: ExecOp) -> list[str]:
    return [
        each.target or f"/run/buildkit/ssh_agent.{number}" for number, each in enumerate(op.ssh)
    ]


def _file_action(action: FileAction, base: int) -> pb.FileAction:
    match action:
        case CopyAction():
            return pb.FileAction(copy=_copy(action, base))
        case MkdirAction():
            return pb.FileAction(
                mkdir=pb.FileActionMkDir(
                    path=action.path,
                    mode=action.mode,
                    makeParents=action.make_parents,
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )
        case MkfileAction():
            return pb.FileAction(
                mkfile=pb.FileActionMkFile(
                    path=action.path,
                    mode=action.mode,
                    data=action.data,
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )
        case RmAction():
            return pb.FileAction(
                rm=pb.FileActionRm(
                    path=action.path,
                    allowNotFound=action.allow_not_found,
                    allowWildcard=action.allow_wildcard,
                )
            )
        case SymlinkAction():
            return pb.FileAction(
                symlink=pb.FileActionSymlink(
                    oldpath=action.oldpath,
                    newpath=action.newpath,
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )
        case _:
            assert_never(action)


def _copy(action: CopyAction, base: int) -> pb.FileActionCopy:
    message = pb.FileActionCopy(
        src=action.src,
        dest=action.dest,
        owner=_owner(action.owner, base),
        followSymlink=action.follow_symlinks,
        dirCopyContents=action.copy_dir_contents_only,
        attemptUnpackDockerCompatibility=action.attempt_unpack,
        createDestPath=action.create_dest_path,
        allowWildcard=action.allow_wildcard,
        allowEmptyWildcard=action.allow_empty_wildcard,
        timestamp=_timestamp(action.timestamp),
        include_patterns=action.include_patterns,
        exclude_patterns=action.exclude_patterns,
        alwaysReplaceExistingDestPaths=action.always_replace_existing_dest_paths,
        required_paths=action.required_paths,
    )
    if isinstance(action.mode, str):
        message.modeStr = action.mode
    else:
        message.mode = _KEEP_MODE if action.mode is None else action.mode
    return message


def _timestamp(value: int | None) -> int:
    return _NO_TIMESTAMP if value is None else value


def _owner(owner: Owner | None, base: int) -> pb.ChownOpt | None:
    if owner is None:
        return None
    return pb.ChownOpt(user=_user(owner.user, base), group=_user(owner.group, base))


def _user(user: User | None, base: int) -> pb.UserOpt | None:
    if user is None:
        return None
    if user.name is not None:
        return pb.UserOpt(byName=pb.NamedUserOpt(name=user.name, input=base))
    return pb.UserOpt(byID=user.id)
