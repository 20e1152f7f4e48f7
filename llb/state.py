"""State: a tree of files and the settings of the steps that come next.

A state is a value. Every method returns a new one and leaves the old as it was,
so that a state can be kept, passed on and built upon from several places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack, cast

from attrs import evolve, field, frozen

from llb import files, ops, wire
from llb.definition import CUSTOM_NAME, Definition
from llb.errors import InvalidValueError
from llb.image_config import ImageConfig
from llb.paths import absolute
from llb.platforms import Platform, to_platform
from llb.source_map import Location, caller

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

MountValue: TypeAlias = ops.Mount | ops.Secret | ops.SSH

_SHELL = ("/bin/sh", "-c")
_COPY_KEYS = files.CopyOptions.__optional_keys__


class StepOptions(TypedDict, total=False):
    """What every step can be told besides what it does; none of it changes the digest.

    ``name`` is shown instead of the operation; ``description`` are further
    texts for tools. ``ignore_cache`` runs the step anew, ``export_cache`` puts
    its result into an exported cache or keeps it out. ``resources`` limits a
    process. ``locations``, even none, replace the Python line that is recorded by itself.
    """

    name: str
    description: Mapping[str, str]
    ignore_cache: bool
    export_cache: bool
    progress_group: ops.ProgressGroup
    resources: ops.LinuxResources
    locations: Sequence[Location]


class CopyStepOptions(files.CopyOptions, StepOptions, total=False):
    """What :meth:`State.copy` takes: the options of the action and those of a step."""


@frozen
class Settings:
    """What a process is run with when the step itself does not say."""

    env: ops.Env = field(default=ops.Env())
    cwd: str = "/"
    user: str = ""
    hostname: str = ""
    network: ops.Network = ops.Network.SANDBOX
    security: ops.Security = ops.Security.SANDBOX
    extra_hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[ops.Ulimit, ...] = ()
    cgroup_parent: str = ""
    platform: Platform | None = None
    worker_filters: tuple[str, ...] = ()


@frozen(eq=False, repr=False)
class State:
    """A tree of files, the settings for further steps, and an image config.

    ``output`` is the result of the last step, or None for the empty tree;
    ``last_run`` the last process that was run on the way here.
    """

    output: ops.Output | None = None
    settings: Settings = field(default=Settings())
    config: ImageConfig = field(default=ImageConfig())
    last_run: ops.ExecOp | None = None

    # --- settings -----------------------------------------------------------

    @property
    def cwd(self) -> str:
        """The directory that commands run in and relative paths are taken from."""
        return self.settings.cwd

    def env(self, key: str, value: str | None) -> State:
        """Return the state with a variable set, or removed where ``value`` is None."""
        return evolve(self, settings=_with_env(self.settings, {key: value}))

    def workdir(self, path: str) -> State:
        """Return the state with another directory, a relative one taken from the present one.

        The directory is not made; a process needs it to exist.
        """
        return self._set(cwd=_joined(self.cwd, path))

    def user(self, name: str) -> State:
        """Return the state with another user for processes: ``user[:group]``."""
        return self._set(user=name)

    def hostname(self, name: str) -> State:
        """Return the state with another host name for processes."""
        return self._set(hostname=name)

    def platform(self, platform: Platform | str) -> State:
        """Return the state with another platform for the steps that come next."""
        return self._set(platform=to_platform(platform))

    def network(self, network: ops.Network) -> State:
        """Return the state with another network for processes."""
        return self._set(network=network)

    def security(self, security: ops.Security) -> State:
        """Return the state with other privileges for processes."""
        return self._set(security=security)

    def extra_host(self, host: str, ip: str) -> State:
        """Return the state with ``host`` known to processes as ``ip``."""
        return self._set(extra_hosts=(*self.settings.extra_hosts, (host, ip)))

    def ulimit(self, name: str, soft: int, hard: int) -> State:
        """Return the state with a resource limit for processes, by its getrlimit(2) name."""
        return self._set(ulimits=(*self.settings.ulimits, ops.Ulimit(name, soft, hard)))

    def cgroup_parent(self, path: str) -> State:
        """Return the state with a parent cgroup for processes."""
        return self._set(cgroup_parent=path)

    # --- steps --------------------------------------------------------------

    def run(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        user: str | None = None,
        mounts: Iterable[MountValue] = (),
        shell: Sequence[str] = _SHELL,
        network: ops.Network | None = None,
        security: ops.Security | None = None,
        readonly_root: bool = False,
        valid_exit_codes: Iterable[int] | None = None,
        devices: Iterable[ops.Device] = (),
        proxy: ops.ProxyEnv | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after running a process in it.

        A string is given to ``shell`` (``/bin/sh -c``), a sequence is run as it
        is. ``env``, ``workdir``, ``user``, ``network`` and ``security`` hold for
        this process alone. ``mounts`` come from :mod:`llb.mounts`; what was
        written to a writable one is :meth:`mounted`. With ``readonly_root`` the
        process cannot change the tree. An exit code other than 0, or than
        ``valid_exit_codes``, fails the build.
        """
        settings = _with_env(self.settings, env or {})
        given = tuple(mounts)
        root = ops.Bind("/", self.output, readonly=readonly_root)
        trees = [each for each in given if isinstance(each, ops.Bind | ops.Cache | ops.Tmpfs)]
        op = ops.ExecOp(
            args=_args(command, shell),
            mounts=tuple(sorted((root, *trees), key=lambda mount: mount.target)),
            env=settings.env,
            cwd=settings.cwd if workdir is None else _joined(settings.cwd, workdir),
            user=settings.user if user is None else user,
            hostname=settings.hostname,
            network=settings.network if network is None else network,
            security=settings.security if security is None else security,
            extra_hosts=settings.extra_hosts,
            ulimits=settings.ulimits,
            cgroup_parent=settings.cgroup_parent,
            valid_exit_codes=None if valid_exit_codes is None else tuple(valid_exit_codes),
            secrets=tuple(each for each in given if isinstance(each, ops.Secret)),
            ssh=tuple(each for each in given if isinstance(each, ops.SSH)),
            devices=tuple(devices),
            proxy=proxy,
            constraints=constraints(settings.platform, settings.worker_filters, options),
        )
        return evolve(self, output=op.output("/") or self.output, last_run=op)

    def mounted(self, target: str) -> State:
        """Return what the last run wrote into its writable mount at ``target``.

        Raises InvalidValueError where there is none.
        """
        op = self.last_run
        if op is None:
            raise InvalidValueError(f"no mount at {target!r}: nothing was run yet")
        output = op.output(target)
        if output is None:
            writable = [mount.target for mount in op.mounts if mount.has_output]
            raise InvalidValueError(
                f"no writable mount at {target!r}",
                hint=f"the last run has results at {', '.join(writable)}",
            )
        return State(output, Settings(platform=self.settings.platform))

    def file(self, *actions: ops.FileAction, **options: Unpack[StepOptions]) -> State:
        """Return the state after file actions (:mod:`llb.files`) done in one step, in order."""
        if not actions:
            raise InvalidValueError("file() needs at least one action")
        op = ops.FileOp(
            base=self.output,
            actions=tuple(files.bound(action, self.cwd) for action in actions),
            constraints=constraints(self.settings.platform, self.settings.worker_filters, options),
        )
        return evolve(self, output=ops.Output(op))

    def copy(self, source: ops.Tree, dest: str, **options: Unpack[CopyStepOptions]) -> State:
        """Return the state after copying from another one (:func:`llb.files.copy`)."""
        action, step = _split(options)
        return self.file(files.copy(source, dest, **action), **step)

    def mkdir(
        self,
        path: str,
        *,
        mode: int = 0o755,
        parents: bool = False,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after making a directory (:func:`llb.files.mkdir`)."""
        action = files.mkdir(path, mode=mode, parents=parents, owner=owner, created=created)
        return self.file(action, **options)

    def mkfile(
        self,
        path: str,
        data: bytes | str,
        *,
        mode: int = 0o644,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after writing a file (:func:`llb.files.mkfile`)."""
        action = files.mkfile(path, data, mode=mode, owner=owner, created=created)
        return self.file(action, **options)

    def rm(
        self,
        path: str,
        *,
        allow_not_found: bool = False,
        wildcard: bool = False,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after removing a file or tree (:func:`llb.files.rm`)."""
        action = files.rm(path, allow_not_found=allow_not_found, wildcard=wildcard)
        return self.file(action, **options)

    def symlink(
        self,
        oldpath: str,
        newpath: str,
        *,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after making a symbolic link (:func:`llb.files.symlink`)."""
        action = files.symlink(oldpath, newpath, owner=owner, created=created)
        return self.file(action, **options)

    # --- image config -------------------------------------------------------

    def entrypoint(self, args: Sequence[str]) -> State:
        """Return the state with the program that a container of the image starts."""
        return evolve(self, config=evolve(self.config, entrypoint=_argv(args)))

    def cmd(self, args: Sequence[str]) -> State:
        """Return the state with the default arguments of the image's entrypoint."""
        return evolve(self, config=evolve(self.config, cmd=_argv(args)))

    def label(self, key: str, value: str) -> State:
        """Return the state with a label of the image."""
        return evolve(self, config=self.config.with_label(key, value))

    def expose(self, port: int | str) -> State:
        """Return the state with a port that the image listens on, as ``80`` or ``"53/udp"``."""
        return evolve(self, config=self.config.with_port(port))

    def image_config(self, *, platform: Platform | str | None = None) -> bytes:
        """Return the image config as JSON, for an exporter's ``containerimage.config``.

        ``platform`` is that of the image where the state names none; by default
        the host's.
        """
        default = Platform.host() if platform is None else to_platform(platform)
        return self.config.to_json(
            platform=self.settings.platform or default,
            env=self.settings.env.items(),
            workdir=self.settings.cwd,
            user=self.settings.user,
        )

    # --- definition ---------------------------------------------------------

    def marshal(
        self,
        *,
        platform: Platform | str | None = None,
        local_unique_id: str = "",
        caps: Iterable[str] | None = None,
        source_map: bool = True,
    ) -> Definition:
        """Return the definition of everything that leads to this state.

        ``platform`` is that of steps which name none, by default the host's.
        ``local_unique_id`` tells local sources of concurrent builds apart; a
        client that solves gives a new one each time. ``caps`` are the daemon's
        LLB capabilities, where they are known. ``source_map`` records the lines
        that made the steps; digests do not depend on it.
        """
        default = Platform.host() if platform is None else to_platform(platform)
        return wire.marshal(
            self.output,
            wire.MarshalOptions(
                platform=default,
                local_unique_id=local_unique_id,
                caps=None if caps is None else frozenset(caps),
                source_map=source_map,
            ),
        )

    def _set(self, **changes: Any) -> State:
        return evolve(self, settings=evolve(self.settings, **changes))

    def __repr__(self) -> str:
        """Return the kind of the last step, not the graph below it."""
        last = "scratch" if self.output is None else type(self.output.op).__name__
        return f"<State after {last}>"


def constraints(
    platform: Platform | None, worker_filters: tuple[str, ...], options: StepOptions
) -> ops.Constraints:
    """Return the constraints of a step that is being made, with the line that made it."""
    description = dict(options.get("description", {}))
    if "name" in options:
        description[CUSTOM_NAME] = options["name"]
    locations = tuple(options.get("locations", ()))
    return ops.Constraints(
        platform=platform,
        worker_filters=worker_filters,
        ignore_cache=options.get("ignore_cache", False),
        description=tuple(description.items()),
        export_cache=options.get("export_cache"),
        progress_group=options.get("progress_group"),
        resources=options.get("resources"),
        locations=locations,
        call_site=None if "locations" in options else caller(),
    )


def _split(options: CopyStepOptions) -> tuple[files.CopyOptions, StepOptions]:
    action = {key: value for key, value in options.items() if key in _COPY_KEYS}
    step = {key: value for key, value in options.items() if key not in _COPY_KEYS}
    return cast("files.CopyOptions", action), cast("StepOptions", step)


def _with_env(settings: Settings, variables: Mapping[str, str | None]) -> Settings:
    env = settings.env
    for key, value in variables.items():
        if not key or "=" in key or "\0" in key + (value or ""):
            raise InvalidValueError(
                f"invalid environment variable {key!r}: expected a name without '=' and NUL"
            )
        env = env.set(key, value)
    return settings if env is settings.env else evolve(settings, env=env)


def _joined(cwd: str, path: str) -> str:
    if not path or "\0" in path:
        raise InvalidValueError(f"invalid working directory {path!r}: expected a path")
    return path if path.startswith("/") else absolute(cwd, path)


def _args(command: str | Sequence[str], shell: Sequence[str]) -> tuple[str, ...]:
    if isinstance(command, str):
        if not command.strip():
            raise InvalidValueError("invalid command '': expected a shell command")
        return (*shell, command)
    return _argv(command)


def _argv(args: Sequence[str]) -> tuple[str, ...]:
    if isinstance(args, str) or not args or not all(isinstance(each, str) for each in args):
        raise InvalidValueError(
            f"invalid arguments {args!r}: expected a sequence of strings, the program first"
        )
    return tuple(args)
