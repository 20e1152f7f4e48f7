"""State: a tree of files and the settings of the steps that come next.

A state is a value. Every method returns a new one and leaves the old as it was,
so that a state can be kept, passed on and built upon from several places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, cast

from attrs import evolve, field, frozen

from llb import wire
from llb.buildkit_names import DEFAULT_SHELL
from llb.errors import InvalidValueError, did_you_mean
from llb.ops import nodes as ops
from llb.ops.defaults import WINDOWS_SHELL
from llb.platforms import Platform, to_platform
from llb.state import file_actions
from llb.state.image_config import ImageConfig, to_healthcheck, variable
from llb.state.run_options import (
    health_test,
    no_result,
    of_kind,
    sorted_trees,
    to_args,
    to_argv,
    to_exit_codes,
    with_mounts,
    with_overrides,
    with_variables,
)
from llb.state.settings import MountValue, Settings, joined, to_ip, to_ulimit, with_env
from llb.state.step_options import STEP_KEYS, StepOptions, check_keys, step
from llb.validation import choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from llb.definition.definition import Definition

P_ = ParamSpec("P_")
T_ = TypeVar("T_")

_COPY_KEYS = file_actions.CopyOptions.__optional_keys__


class CopyStepOptions(file_actions.CopyOptions, StepOptions, total=False):
    """What :meth:`State.copy` takes: the options of the action and those of a step."""


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
        return self.settings.process.cwd

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment of processes, in the order of the last assignments."""
        return self.settings.process.env.items()

    def env(self, key: str, value: str | None) -> State:
        """Return the state with a variable set, or removed where ``value`` is None."""
        return self._with_process(with_env(self.settings.process, ((key, value),)))

    def getenv(self, key: str, default: str = "") -> str:
        """Return the value of a variable, or ``default`` where it is not set."""
        return dict(self.variables).get(key, default)

    def workdir(self, path: str) -> State:
        """Return the state with another directory, a relative one taken from the present one.

        The directory is not made; a process needs it to exist.
        """
        return self._set(cwd=joined(self.cwd, path))

    def user(self, name: str) -> State:
        """Return the state with another user for processes: ``user[:group]``."""
        return self._set(user=name)

    def hostname(self, name: str) -> State:
        """Return the state with another host name for processes."""
        return self._set(hostname=name)

    def platform(self, platform: Platform | str) -> State:
        """Return the state with another platform for the steps that come next."""
        return self._with_settings(platform=to_platform(platform))

    def network(self, network: ops.Network | str) -> State:
        """Return the state with another network for processes: ``sandbox``, ``host``, ``none``."""
        return self._set(network=choice(ops.Network, network, "network"))

    def security(self, security: ops.Security | str) -> State:
        """Return the state with other privileges for processes: ``sandbox``, ``insecure``."""
        return self._set(security=choice(ops.Security, security, "security"))

    def extra_host(self, host: str, ip: str) -> State:
        """Return the state with ``host`` known to processes as ``ip``."""
        hosts = (*self.settings.process.extra_hosts, (host, to_ip(ip)))
        return self._set(extra_hosts=hosts)

    def ulimit(self, name: str, soft: int, hard: int) -> State:
        """Return the state with a resource limit for processes, by its getrlimit(2) name."""
        return self._set(ulimits=(*self.settings.process.ulimits, to_ulimit(name, soft, hard)))

    def cgroup_parent(self, path: str) -> State:
        """Return the state with a parent cgroup for processes."""
        return self._set(cgroup_parent=path)

    def proxy(self, proxy: ops.ProxyEnv | None) -> State:
        """Return the state with proxies for processes, which are no part of their cache keys."""
        return self._with_settings(proxy=proxy)

    def mount(self, *mounts: MountValue) -> State:
        """Return the state with mounts (:mod:`llb.state.mounts`) for all processes that come next.

        What one of them writes to a writable mount, the next one finds there, and
        :meth:`mounted` gives. A mount that a run is given itself, at the same target,
        comes in place of this one.
        """
        return self._with_settings(mounts=with_mounts(self.settings.mounts, mounts))

    def unmount(self, target: str) -> State:
        """Return the state without the mount at ``target``, which :meth:`mount` put there."""
        kept = tuple(each for each in self.settings.mounts if each.target != target)
        if len(kept) == len(self.settings.mounts):
            targets = [str(each.target) for each in kept]
            raise InvalidValueError(f"no mount at {target!r}", hint=did_you_mean(target, targets))
        return self._with_settings(mounts=kept)

    def with_output(self, other: State) -> State:
        """Return the tree of another state with the settings and the image config of this one.

        The platform is that of the other tree, where its source names one.
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
        """Return what a function makes of this state, so that steps of one's own chain too.

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
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        user: str | None = None,
        mounts: Iterable[MountValue] = (),
        shell: Sequence[str] | None = None,
        network: ops.Network | str | None = None,
        security: ops.Security | str | None = None,
        readonly_root: bool = False,
        valid_exit_codes: Iterable[int] | None = None,
        devices: Iterable[ops.Device] = (),
        proxy: ops.ProxyEnv | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after running a process in it.

        A string is given to ``shell``, by default that of the image (:meth:`shell`), or
        ``/bin/sh -c``, or for Windows ``cmd /S /C``; a sequence is run as it is. ``env``, ``workdir``, ``user``, ``network`` and ``security`` hold for
        this process alone. ``mounts`` come from :mod:`llb.state.mounts`; what was
        written to a writable one is :meth:`mounted`. With ``readonly_root`` the
        process cannot change the tree. An exit code other than 0, or than
        ``valid_exit_codes``, fails the build.
        """
        settings = self.settings
        given = with_mounts(settings.mounts, mounts)
        process = with_variables(settings.process, env, given)
        process = with_overrides(
            process, workdir=workdir, user=user, network=network, security=security
        )
        constraints, call_site = step(settings.platform, options)
        op = ops.ExecOp(
            args=to_args(command, shell or self._shell),
            root=self.output,
            readonly_root=readonly_root,
            mounts=sorted_trees(given) if given else (),
            process=process,
            valid_exit_codes=None if valid_exit_codes is None else to_exit_codes(valid_exit_codes),
            secrets=of_kind(ops.Secret, given),
            ssh=of_kind(ops.SSH, given),
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

    def mounted(self, target: str) -> State:
        """Return what the last run wrote into its writable mount at ``target``.

        It has no settings, the platform included, as what is mounted may be for another.
        Raises InvalidValueError where there is none.
        """
        op = self.last_run
        if op is None:
            raise InvalidValueError(f"no mount at {target!r}: nothing was run yet")
        output = op.output(target)
        if output is None:
            raise no_result(op, target)
        return State(output)

    def file(self, *actions: ops.FileAction, **options: Unpack[StepOptions]) -> State:
        """Return the state after file actions (:mod:`llb.state.file_actions`) done in one step, in order."""
        if not actions:
            raise InvalidValueError("file() needs at least one action")
        constraints, call_site = step(self.settings.platform, options)
        op = ops.FileOp(
            base=self.output,
            actions=tuple([file_actions.bound(action, self.cwd) for action in actions]),
            constraints=constraints,
            call_site=call_site,
        )
        return State(ops.Output(op), self.settings, self.config, self.last_run)

    def copy(self, source: ops.Tree, dest: str, **options: Unpack[CopyStepOptions]) -> State:
        """Return the state after copying from another one (:func:`llb.state.file_actions.copy`)."""
        action, step = _split(options)
        return self.file(file_actions.copy(source, dest, **action), **step)

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
        """Return the state after making a directory (:func:`llb.state.file_actions.mkdir`)."""
        action = file_actions.mkdir(path, mode=mode, parents=parents, owner=owner, created=created)
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
        """Return the state after writing a file (:func:`llb.state.file_actions.mkfile`)."""
        action = file_actions.mkfile(path, data, mode=mode, owner=owner, created=created)
        return self.file(action, **options)

    def rm(
        self,
        path: str,
        *,
        allow_not_found: bool = False,
        wildcard: bool = False,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the state after removing a file or tree (:func:`llb.state.file_actions.rm`)."""
        action = file_actions.rm(path, allow_not_found=allow_not_found, wildcard=wildcard)
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
        """Return the state after making a symbolic link (:func:`llb.state.file_actions.symlink`)."""
        action = file_actions.symlink(oldpath, newpath, owner=owner, created=created)
        return self.file(action, **options)

    def requires(self, id: str, *others: State, **options: Unpack[StepOptions]) -> State:  # noqa: A002 - BuildKit's word
        """Return the state once the trees of ``others`` were built too, of which nothing is taken.

        ``id`` tells such steps apart in the cache. Without others it is the state itself.
        """
        if not others:
            return self
        if self.output is None:
            raise InvalidValueError("the empty tree cannot require others: it is not built")
        needed = [each.output for each in others if each.output is not None]
        constraints, call_site = step(None, options)
        op = ops.PassthroughOp(id, (self.output, *needed), (0,), constraints, call_site)
        return self.with_output(State(ops.Output(op)))

    def build(
        self,
        filename: str | None = None,
        *,
        platform: Platform | str | None = None,
        **options: Unpack[StepOptions],
    ) -> State:
        """Return the tree that a definition in a file of this one describes.

        The daemon reads the file, by default ``buildkit.llb.definition``, when the
        tree is there, and builds what it says.
        """
        if self.output is None:
            raise InvalidValueError("the empty tree holds no definition to build")
        known = None if platform is None else to_platform(platform)
        op = ops.BuildOp(self.output, filename or "", *step(known, options))
        return evolve(self, output=ops.Output(op), last_run=None)

    # --- image config -------------------------------------------------------

    def with_image_config(self, config: bytes | str) -> State:
        """Return the state with the config of an image, JSON of the OCI specification.

        Its environment, directory and platform hold for the steps that come next; the
        rest is handed on to the image that is made of the state. Raises InvalidValueError.
        """
        base = ImageConfig.from_json(config)
        process = self.settings.process
        for key, value in map(variable, base.env):
            process = with_env(process, ((key, value),)) if key else process
        if base.workdir:
            process = evolve(process, cwd=joined(process.cwd, base.workdir))
        platform = base.platform.normalize() if base.has_platform else self.settings.platform
        settings = evolve(self.settings, process=process, platform=platform)
        return evolve(self, settings=settings, config=base.for_state())

    def entrypoint(self, command: str | Sequence[str] | None) -> State:
        """Return the state with the program that a container of the image starts.

        A string is given to the shell of the image, as by :meth:`run`, and None is no
        program. Default arguments that the image below has for its own program are
        dropped, as from a Dockerfile.
        """
        return evolve(self, config=self.config.with_entrypoint(self._command(command)))

    def cmd(self, command: str | Sequence[str] | None) -> State:
        """Return the state with the default arguments of the image's entrypoint.

        A string is given to the shell of the image, as by :meth:`run`; None is without any.
        """
        return evolve(self, config=self.config.with_cmd(self._command(command)))

    def author(self, name: str) -> State:
        """Return the state with the author of the image."""
        return evolve(self, config=evolve(self.config, author=name))

    def label(self, key: str, value: str) -> State:
        """Return the state with a label of the image."""
        return evolve(self, config=self.config.with_label(key, value))

    def expose(self, port: int | str) -> State:
        """Return the state with a port that the image listens on, as ``80`` or ``"53/udp"``."""
        return evolve(self, config=self.config.with_port(port))

    def volume(self, path: str) -> State:
        """Return the state with a directory that containers of the image get a volume for."""
        return evolve(self, config=self.config.with_volume(path))

    def stop_signal(self, signal: str) -> State:
        """Return the state with the signal that ends a container: ``SIGTERM``, or its number."""
        return evolve(self, config=evolve(self.config, stop_signal=signal))

    def healthcheck(
        self,
        command: str | Sequence[str] | None,
        *,
        interval: float = 0,
        timeout: float = 0,
        start_period: float = 0,
        start_interval: float = 0,
        retries: int = 0,
    ) -> State:
        """Return the state with the command that tells whether a container is well.

        A string is given to a shell, a sequence is run as it is, and None asks nothing,
        whatever the image below does. Times are in seconds, 0 for Docker's own.
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
        """Return the state with a Dockerfile instruction for builds upon the image."""
        return evolve(self, config=evolve(self.config, onbuild=(*self.config.onbuild, instruction)))

    def shell(self, args: Sequence[str]) -> State:
        """Return the state with the shell that commands given as text are run by.

        It is kept in the image, for what builds upon it.
        """
        return evolve(self, config=evolve(self.config, shell=to_argv(args)))

    def image_config(self, *, platform: Platform | str | None = None) -> bytes:
        """Return the image config as JSON, for an exporter's ``containerimage.config``.

        ``platform`` is that of the image where the state names none; by default
        the host's.
        """
        default = Platform.host() if platform is None else to_platform(platform)
        config = evolve(
            self.config,
            platform=self.settings.platform or default,
            env=tuple(f"{key}={value}" for key, value in self.settings.process.env.image_items()),
            workdir=self.cwd,
            user=self.settings.process.user or self.config.user,
        )
        return config.to_json()

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
        """Return the definition of everything that leads to this state.

        ``platform`` is that of steps which name none, by default the host's.
        ``worker_filters`` choose the worker for all steps. ``local_unique_id`` tells local sources of concurrent builds apart; a
        client that solves gives a new one each time. ``caps`` are the daemon's
        LLB capabilities, where they are known. ``source_map`` records the lines
        that made the steps; digests do not depend on it.
        """
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
        return None if command is None else to_args(command, self._shell)

    def _set(self, **changes: Any) -> State:
        return self._with_process(evolve(self.settings.process, **changes))

    def _with_process(self, process: ops.Process) -> State:
        before = self.settings
        settings = Settings(process, before.platform, before.mounts, before.proxy)
        return State(self.output, settings, self.config, self.last_run)

    def _with_settings(self, **changes: Any) -> State:
        return State(self.output, evolve(self.settings, **changes), self.config, self.last_run)

    def __repr__(self) -> str:
        """Return the kind of the last step, not the graph below it."""
        last = "scratch" if self.output is None else type(self.output.op).__name__
        return f"<State after {last}>"


def _split(options: CopyStepOptions) -> tuple[file_actions.CopyOptions, StepOptions]:
    if options.keys() <= _COPY_KEYS:
        return cast("file_actions.CopyOptions", options), {}
    action = {key: value for key, value in options.items() if key in _COPY_KEYS}
    step = {key: value for key, value in options.items() if key not in _COPY_KEYS}
    if not step.keys() <= STEP_KEYS:
        check_keys(step, STEP_KEYS | _COPY_KEYS)
    return cast("file_actions.CopyOptions", action), cast("StepOptions", step)
