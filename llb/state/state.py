"""State: a file tree, and the settings for the steps that follow.

A state is an immutable value: every method creates a new state and leaves the old one unchanged. A
state can therefore be stored, passed around and used as the base of several others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack

from attrs import evolve, field, frozen

from llb import wire
from llb.arguments.checked import checked_methods
from llb.arguments.conversions import Duration, RawText, StrPath, to_path
from llb.buildkit_names import DEFAULT_SHELL, NetworkName, SecurityName
from llb.errors import InvalidValueError
from llb.ops import nodes as ops
from llb.ops.base_images import ShellArgs
from llb.ops.defaults import WINDOWS_SHELL
from llb.platforms import Platform, to_platform
from llb.state import file_actions, unresolved
from llb.state.copy_options import CopyStepOptions, split
from llb.state.image_config import ImageConfig, encode_image, to_healthcheck
from llb.state.run_options import (
    health_test,
    mounts_of_kind,
    sorted_trees,
    to_args,
    to_argv,
    to_exit_codes,
    with_mounts,
    with_overrides,
    with_variables,
    without_mount,
    written_mount,
)
from llb.state.settings import (
    MountValue,
    Settings,
    check_expanded,
    resolve_workdir,
    to_ip,
    to_ulimit,
    with_config,
    with_env,
)
from llb.state.step_options import StepOptions, step
from llb.validation import choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from llb.definition.definition import Definition
    from llb.ops.tree import Tree

P_ = ParamSpec("P_")
T_ = TypeVar("T_")


# File actions check the arguments of the methods that create them.
@checked_methods(apart_from=("copy", "mkdir", "mkfile", "rm", "symlink"))
@frozen(eq=False, repr=False)
class State:
    """A file tree, the settings for the steps that follow, and an image config.

    A state is immutable; every method creates a new one. Create a state with :func:`llb.Image`,
    :func:`llb.Local`, :func:`llb.Git`, :func:`llb.HTTP` or :func:`llb.Scratch`, add steps with
    :meth:`run`, :meth:`copy` and the other methods, and encode it with :meth:`marshal`. Invalid
    arguments raise InvalidValueError at the call; steps run when a daemon builds the definition.

    ``output`` is the result of the last step, or None for the empty tree. ``last_run`` is the most
    recent process, whose mounts :meth:`mounted` refers to.

    >>> from llb import Image, Local
    >>> state = Image("golang").workdir("/src").copy(Local("context"), ".")
    >>> state.run("go build ./...", env={"CGO_ENABLED": "0"})
    <State after ExecOp>
    """

    output: ops.Output | None = None
    settings: Settings = field(default=Settings())
    config: ImageConfig = field(default=ImageConfig())
    last_run: ops.ExecOp | None = None

    # --- settings -----------------------------------------------------------

    @property
    def cwd(self) -> str:
        """The working directory of commands, and the base of relative paths.

        Raises InvalidValueError if it is that of an image that is not resolved.
        """
        return unresolved.known_cwd(self.settings.process)

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment variables of processes, in the order of their last assignment.

        Raises InvalidValueError if some are those of an image that is not resolved.
        """
        return unresolved.known_variables(self.settings.process)

    def env(self, key: str, value: str | None) -> State:
        """Set an environment variable for processes and the image; None removes it.

        The value is not expanded: use :meth:`getenv` for variables in it. Raises InvalidValueError
        for an invalid name, and for a PATH that contains ``$PATH``.
        """
        check_expanded(key, value)
        return self._with_process(with_env(self.settings.process, ((key, value),)))

    def getenv(self, key: str, default: str = "") -> str:
        """Look up an environment variable; ``default`` if it is not set.

        Raises InvalidValueError if only the config of an image that is not resolved knows it.
        """
        return unresolved.known_variable(self.settings.process, key, default)

    def workdir(self, path: StrPath) -> State:
        """Set the working directory; a relative path extends the current one.

        The directory is not created, and a process fails if it does not exist.
        """
        return self._set(cwd=resolve_workdir(self.settings.process.cwd, path))

    def user(self, name: str) -> State:
        """Set the user of processes: ``user[:group]``, names or numeric ids."""
        return self._set(user=name)

    def hostname(self, name: str) -> State:
        """Set the host name that processes see."""
        return self._set(hostname=name)

    def platform(self, platform: Platform | str) -> State:
        """Set the platform of the steps that follow, for example ``linux/arm64``."""
        return self._with_settings(platform=to_platform(platform))

    def network(self, network: ops.Network | NetworkName) -> State:
        """Set the network of processes: ``sandbox``, ``host`` or ``none``."""
        return self._set(network=choice(ops.Network, network, "network"))

    def security(self, security: ops.Security | SecurityName) -> State:
        """Set the privileges of processes: ``sandbox`` or ``insecure``."""
        return self._set(security=choice(ops.Security, security, "security"))

    def extra_host(self, host: str, ip: str) -> State:
        """Map the host name ``host`` to the address ``ip`` for processes, as in ``/etc/hosts``."""
        hosts = (*self.settings.process.extra_hosts, (host, to_ip(ip)))
        return self._set(extra_hosts=hosts)

    def ulimit(self, name: str, soft: int, hard: int) -> State:
        """Set a resource limit of processes by its getrlimit(2) name, for example ``nofile``.

        -1 is unlimited. Raises InvalidValueError for an unknown name, or ``soft`` above ``hard``.
        """
        return self._set(ulimits=(*self.settings.process.ulimits, to_ulimit(name, soft, hard)))

    def cgroup_parent(self, path: str) -> State:
        """Set the parent cgroup of processes."""
        return self._set(cgroup_parent=path)

    def proxy(self, proxy: ops.ProxyEnv | None) -> State:
        """Set the proxies of processes, which cache keys do not include; None removes them."""
        return self._with_settings(proxy=proxy)

    def mount(self, *mounts: MountValue) -> State:
        """Add mounts, such as :func:`llb.bind` and :func:`llb.cache`, to all processes that follow.

        What one process writes to a writable mount, the next one sees, and :meth:`mounted` refers
        to. A mount passed to :meth:`run` replaces one of the state with the same target.
        """
        return self._with_settings(mounts=with_mounts(self.settings.mounts, mounts))

    def unmount(self, target: StrPath) -> State:
        """Remove the mount at ``target`` that :meth:`mount` added.

        Raises InvalidValueError if there is no such mount.
        """
        return self._with_settings(mounts=without_mount(self.settings.mounts, to_path(target)))

    def with_output(self, other: State) -> State:
        """Replace the file tree by that of ``other``, and keep the settings and the image config.

        If ``other`` comes straight from a source with a platform, the platform changes to that one.
        """
        platform = None
        if other.output is not None and isinstance(other.output.op, ops.SourceOp | ops.EncodedOp):
            platform = other.output.op.constraints.platform
        changed = self if platform is None else self._with_settings(platform=platform)
        return evolve(changed, output=other.output, last_run=other.last_run)

    def pipe(
        self,
        step: Callable[Concatenate[State, P_], T_],
        /,
        *args: P_.args,
        **options: P_.kwargs,
    ) -> T_:
        """Call ``step`` with this state and return its result, to chain your own functions.

        >>> from llb import Image
        >>> def with_tools(state: State, *names: str) -> State:
        ...     return state.run(f"apk add {' '.join(names)}")
        >>> Image("alpine").pipe(with_tools, "git", "curl").run("git --version")
        <State after ExecOp>
        """
        return step(self, *args, **options)

    # --- steps --------------------------------------------------------------

    def run(
        self,
        command: RawText | Sequence[RawText],
        *,
        env: Mapping[str, str] | None = None,
        workdir: StrPath | None = None,
        user: str | None = None,
        mounts: Iterable[MountValue] = (),
        shell: Sequence[str] | None = None,
        network: ops.Network | NetworkName | None = None,
        security: ops.Security | SecurityName | None = None,
        readonly_root: bool = False,
        valid_exit_codes: Iterable[int] | None = None,
        devices: Iterable[ops.Device] = (),
        proxy: ops.ProxyEnv | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Run a process in the tree.

        ``command`` is a string for ``shell``, or a sequence of arguments, which runs without a
        shell. The default shell is that of the image (:meth:`shell`), otherwise ``/bin/sh -c``, or
        ``cmd /S /C`` for Windows.

        These arguments apply to this process only and override the settings of the state:

        - ``env``: additional environment variables.
        - ``workdir``: the working directory; a relative path extends that of the state.
        - ``user``: ``user[:group]``, names or numeric ids.
        - ``network``: ``sandbox``, ``host`` or ``none``.
        - ``security``: ``sandbox`` or ``insecure``.
        - ``mounts``: mounts created by :func:`llb.bind`, :func:`llb.cache`, :func:`llb.tmpfs`,
          :func:`llb.secret` and :func:`llb.ssh`; :meth:`mounted` refers to what was written to one.
        - ``readonly_root``: the process cannot change the tree outside its mounts.
        - ``valid_exit_codes``: exit codes that count as success, by default only 0.
        - ``devices``: CDI devices.
        - ``proxy``: proxy variables, which the cache key does not include.

        ``options`` are those of every step, for example ``name`` and ``ignore_cache``
        (:class:`llb.StepOptions`). Raises InvalidValueError for an invalid argument, and TypeError
        for an unknown one. Any other exit code fails the build with :class:`llb.errors.SolveError`.

        >>> from llb import Image, cache
        >>> state = Image("python:3.13").workdir("/app")
        >>> state.run("pip install flask", mounts=[cache("/root/.cache/pip")], name="install")
        <State after ExecOp>
        >>> state.run(["python", "-m", "compileall", "."], env={"LANG": "C"}, user="nobody")
        <State after ExecOp>
        """
        settings = self.settings
        all_mounts = with_mounts(settings.mounts, mounts)
        process = with_variables(settings.process, env, all_mounts)
        process = with_overrides(
            process, workdir=workdir, user=user, network=network, security=security
        )
        constraints, call_site = step(settings.platform, options)
        op = ops.ExecOp(
            args=to_args(command, shell) if shell else self._args(command),
            root=self.output,
            readonly_root=readonly_root,
            mounts=sorted_trees(all_mounts) if all_mounts else (),
            process=process,
            valid_exit_codes=None if valid_exit_codes is None else to_exit_codes(valid_exit_codes),
            secrets=mounts_of_kind(ops.Secret, all_mounts),
            ssh=mounts_of_kind(ops.SSH, all_mounts),
            devices=tuple(devices),
            proxy=settings.proxy if proxy is None else proxy,
            constraints=constraints,
            call_site=call_site,
        )
        return State(
            output=self.output if readonly_root else ops.Output(op),
            settings=settings.after(op) if settings.mounts else settings,
            config=self.config,
            last_run=op,
        )

    def mounted(self, target: StrPath) -> State:
        """Select what the last process wrote to its writable mount at ``target``, as a state.

        The new state has no settings; even the platform is unset, because the mounted tree may be
        for another one. Raises InvalidValueError if there is no writable mount at ``target``.
        """
        return State(written_mount(self.last_run, to_path(target)))

    def file(self, *actions: ops.FileAction, **options: Unpack[StepOptions]) -> State:
        """Apply file actions in order, in a single step.

        The actions are created by :func:`llb.copy`, :func:`llb.mkdir`, :func:`llb.mkfile`,
        :func:`llb.rm` and :func:`llb.symlink`. Relative paths start from the working directory.

        >>> from llb import Image, mkdir, mkfile
        >>> Image("alpine").file(mkdir("/etc/app"), mkfile("/etc/app/port", "80"))
        <State after FileOp>
        """
        if not actions:
            raise InvalidValueError("file() needs at least one action")
        constraints, call_site = step(self.settings.platform, options)
        op = ops.FileOp(
            base=self.output,
            actions=file_actions.resolve_all(actions, self.settings.process.cwd),
            constraints=constraints,
            call_site=call_site,
        )
        return State(ops.Output(op), self.settings, self.config, self.last_run)

    def copy(self, source: Tree, dest: StrPath, **options: Unpack[CopyStepOptions]) -> State:
        """Copy a file or directory from the tree of another state to ``dest``.

        ``dest`` is relative to the working directory of this state; one that ends with ``/`` is a
        directory. By default all of ``source`` is copied: ``src`` selects a path in it, and may
        contain wildcards. The other options are those of
        :class:`~llb.state.file_actions.CopyOptions` (``owner``, ``mode``, ``include``, ``exclude``,
        …) and of every step. Raises InvalidValueError for an invalid argument, and TypeError for an
        unknown option.

        >>> from llb import Image, Local
        >>> Image("alpine").copy(Local("context"), "/app/", src="*.py", owner="app:app", mode=0o644)
        <State after FileOp>
        """
        action, step = split(options)
        return self.file(file_actions.copy(source, dest, **action), **step)

    def mkdir(
        self,
        path: StrPath,
        *,
        mode: int = 0o755,
        parents: bool = False,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Create the directory ``path``; ``parents`` also creates missing parent directories.

        ``owner`` is ``user[:group]``, names or numeric ids; ``created`` is the modification time.
        """
        action = file_actions.mkdir(path, mode=mode, parents=parents, owner=owner, created=created)
        return self.file(action, **options)

    def mkfile(
        self,
        path: StrPath,
        data: bytes | str,
        *,
        mode: int = 0o644,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Write ``data`` to the file ``path``; a string is encoded as UTF-8.

        ``owner`` is ``user[:group]``, names or numeric ids; ``created`` is the modification time.
        """
        action = file_actions.mkfile(path, data, mode=mode, owner=owner, created=created)
        return self.file(action, **options)

    def rm(
        self,
        path: StrPath,
        *,
        allow_not_found: bool = False,
        wildcard: bool = False,
        **options: Unpack[StepOptions],
    ) -> State:
        """Remove the file or directory ``path``, including all contents.

        With ``wildcard``, ``path`` may contain ``*``, ``?`` and ``[...]``. ``allow_not_found``
        ignores a missing path.
        """
        action = file_actions.rm(path, allow_not_found=allow_not_found, wildcard=wildcard)
        return self.file(action, **options)

    def symlink(
        self,
        oldpath: StrPath,
        newpath: StrPath,
        *,
        owner: str | None = None,
        created: datetime | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Create the symbolic link ``newpath``, which points to ``oldpath``.

        Both paths are used as they are. ``owner`` is ``user[:group]``; ``created`` is the
        modification time.
        """
        action = file_actions.symlink(oldpath, newpath, owner=owner, created=created)
        return self.file(action, **options)

    def requires(self, id: str, *others: State, **options: Unpack[StepOptions]) -> State:  # noqa: A002 - BuildKit's word
        """Require that the trees of ``others`` are built too, without using their files.

        ``id`` distinguishes such steps in the cache. Without ``others`` the state is unchanged.
        """
        if not others:
            return self
        if self.output is None:
            raise InvalidValueError("the empty tree cannot require others: it is not built")
        required = [state.output for state in others if state.output is not None]
        constraints, call_site = step(None, options)
        op = ops.PassthroughOp(id, (self.output, *required), (0,), constraints, call_site)
        return self.with_output(State(ops.Output(op)))

    def build(
        self,
        filename: str | None = None,
        *,
        platform: Platform | str | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Build the LLB definition stored in a file of this tree, and continue with its result.

        ``filename`` is the path of the file, by default ``buildkit.llb.definition``. The daemon
        reads it once this tree is built.
        """
        if self.output is None:
            raise InvalidValueError("the empty tree holds no definition to build")
        normalized = None if platform is None else to_platform(platform)
        op = ops.BuildOp(self.output, filename or "", *step(normalized, options))
        return evolve(self, output=ops.Output(op), last_run=None)

    # --- image config -------------------------------------------------------

    def with_image_config(self, config: bytes | str) -> State:
        """Apply an image config: JSON of the OCI image specification.

        The environment, working directory and platform become settings for the steps that follow.
        The other fields are kept for the image made from the state. The config of an image that is
        not resolved is no longer inherited. Raises InvalidValueError if the config is malformed.
        """
        base = ImageConfig.from_json(config)
        return evolve(self, settings=with_config(self.settings, base), config=base.for_state())

    def entrypoint(self, command: str | Sequence[str] | None) -> State:
        """Set the program that a container of the image starts.

        A string is passed to the shell, as in :meth:`run`; a sequence holds the arguments; None
        removes the entrypoint. Default arguments that come from the base image are cleared, as in a
        Dockerfile.
        """
        return evolve(self, config=self.config.with_entrypoint(self._command(command)))

    def cmd(self, command: str | Sequence[str] | None) -> State:
        """Set the default arguments of the entrypoint, or the command if there is no entrypoint.

        A string is passed to the shell, as in :meth:`run`; a sequence holds the arguments; None
        removes them.
        """
        return evolve(self, config=self.config.with_cmd(self._command(command)))

    def author(self, name: str) -> State:
        """Set the author of the image."""
        return evolve(self, config=evolve(self.config, author=name))

    def label(self, key: str, value: str) -> State:
        """Set a label of the image. Raises InvalidValueError for an empty key."""
        return evolve(self, config=self.config.with_label(key, value))

    def expose(self, port: int | str) -> State:
        """Expose a port of the image: ``80`` or ``"53/udp"``; the default protocol is tcp."""
        return evolve(self, config=self.config.with_port(port))

    def volume(self, path: StrPath) -> State:
        """Declare an absolute path for which containers of the image get a volume."""
        return evolve(self, config=self.config.with_volume(to_path(path)))

    def stop_signal(self, signal: str) -> State:
        """Set the signal that stops a container: a name such as ``SIGTERM``, or a number."""
        return evolve(self, config=evolve(self.config, stop_signal=signal))

    def healthcheck(
        self,
        command: str | Sequence[str] | None,
        *,
        interval: Duration = 0,
        timeout: Duration = 0,
        start_period: Duration = 0,
        start_interval: Duration = 0,
        retries: int = 0,
    ) -> State:
        """Set the command that checks whether a container is healthy.

        A string runs in a shell, a sequence runs without one, and None disables the check,
        including that of the base image. Times are in seconds, and 0 selects Docker's default:
        ``interval`` between checks, ``timeout`` of one check, ``start_period`` in which failures do
        not count, and ``start_interval`` between checks during that period. After ``retries``
        consecutive failures the container is unhealthy. Raises InvalidValueError for negative
        values and for times below 0.001.
        """
        check = to_healthcheck(
            health_test(command),
            retries=retries,
            interval=interval,
            timeout=timeout,
            start_period=start_period,
            start_interval=start_interval,
        )
        return evolve(self, config=evolve(self.config, healthcheck=check))

    def onbuild(self, instruction: str) -> State:
        """Add an ONBUILD trigger: an instruction for Dockerfiles that use the image as a base."""
        return evolve(self, config=evolve(self.config, onbuild=(*self.config.onbuild, instruction)))

    def shell(self, args: Sequence[str]) -> State:
        """Set the shell for commands that are strings, for example ``["/bin/bash", "-c"]``.

        The image keeps it for builds that use it as a base.
        """
        return evolve(self, config=evolve(self.config, shell=to_argv(args)))

    def image_config(self, *, platform: Platform | str | None = None) -> bytes:
        """Encode the image config as JSON, for an exporter's ``containerimage.config``.

        ``platform`` is used if the state has none; the default is the platform of this machine.
        Warns if the state is based on an image that is not resolved.
        """
        unresolved.warn_of_config(self.settings)
        default = Platform.host() if platform is None else to_platform(platform)
        return encode_image(self.config, self.settings.process, self.settings.platform or default)

    # --- definition ---------------------------------------------------------

    def marshal(
        self,
        *,
        platform: Platform | str | None = None,
        worker_filters: Sequence[str] = (),
        local_unique_id: str = "",
        caps: Iterable[str] | None = None,
        source_map: bool = True,
    ) -> Definition:
        """Encode the graph that leads to this state as a definition.

        ``platform`` applies to steps without one; the default is the platform of this machine.
        ``worker_filters`` choose the worker for all steps. ``local_unique_id`` keeps the local
        sources of concurrent builds apart; a client generates a new one for each build. ``caps``
        are the LLB capabilities of the daemon, if known. ``source_map`` records the source lines of
        the steps; digests do not depend on it.

        Warns of steps on images that are not resolved (:func:`llb.resolve_images`).
        """
        unresolved.warn_of_steps(self.output)
        default = Platform.host() if platform is None else to_platform(platform)
        return wire.marshal(
            self.output,
            wire.MarshalOptions(
                platform=default,
                worker_filters=tuple(worker_filters),
                local_unique_id=local_unique_id,
                caps=None if caps is None else frozenset(caps),
                source_map=source_map,
            ),
        )

    @property
    def _shell(self) -> tuple[str, ...]:
        platform = self.settings.platform
        is_windows = platform is not None and platform.os == "windows"
        return self.config.shell or (WINDOWS_SHELL if is_windows else DEFAULT_SHELL)

    def _command(self, command: str | Sequence[str] | None) -> tuple[str, ...] | None:
        if command is None:  # An empty command is not replaced by that of a base image.
            return None if self.settings.process.base is None else ()
        return self._args(command)

    def _args(self, command: str | Sequence[str]) -> tuple[str, ...]:
        args = to_args(command, self._shell)
        is_shell_known = self.settings.process.base is None or self.config.shell is not None
        return args if is_shell_known or not isinstance(command, str) else ShellArgs(args)

    def _set(self, **changes: Any) -> State:
        return self._with_process(evolve(self.settings.process, **changes))

    def _with_process(self, process: ops.Process) -> State:
        current = self.settings
        settings = Settings(process, current.platform, current.mounts, current.proxy)
        return State(self.output, settings, self.config, self.last_run)

    def _with_settings(self, **changes: Any) -> State:
        return State(self.output, evolve(self.settings, **changes), self.config, self.last_run)

    def __repr__(self) -> str:
        """Format the kind of the last step, without the graph below."""
        kind = "scratch" if self.output is None else type(self.output.op).__name__
        return f"<State after {kind}>"
