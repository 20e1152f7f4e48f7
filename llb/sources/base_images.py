"""Resolve the base images of a state, and apply their configs to the steps built on them.

A state on an image without a resolver keeps what was set on top of the unknown config
(:mod:`llb.ops.base_images`). Here the graph is rewritten as if the config had been known from the
start: variables, working directories and relative paths, users, shells, and the image config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from attrs import evolve, field, frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.buildkit_names import DOCKER_IMAGE_SCHEME
from llb.errors import LLBError, Span
from llb.ops import nodes as ops
from llb.ops.base_images import BasePath, ShellArgs, base_images, bases_of, paths_of
from llb.ops.defaults import WINDOWS_SHELL
from llb.ops.walk import post_order
from llb.platforms import Platform, to_platform
from llb.reference import Reference
from llb.source_map import python_locations
from llb.state.settings import Settings, with_config
from llb.state.state import State
from llb.state.unresolved import warn_at

with lazy_imports(__name__):
    from concurrent import futures  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.buildkit_names import ResolveMode
    from llb.ops.env import Env
    from llb.source_map import Location
    from llb.sources.image_resolver import ImageResolver, ResolvedImage
    from llb.state.image_config import ImageConfig
    from llb.state.settings import MountValue

M_ = TypeVar("M_", bound="MountValue")

_THREADS = 16
_RESOLVE_MODE = "image.resolvemode"


@frozen
class BaseImage:
    """An image whose config a build needs; equal values are resolved once.

    ``locations`` are the source lines of the image.
    """

    ref: str
    platform: Platform
    resolve_mode: ResolveMode = "default"
    locations: tuple[Location, ...] = field(default=(), eq=False, repr=False)

    def resolve(self, resolver: ImageResolver) -> ResolvedImage:
        """Resolve the image. Errors have its source line."""
        try:
            return resolver.resolve_image_config(
                self.ref, platform=self.platform, resolve_mode=self.resolve_mode
            )
        except LLBError as error:
            error.span = error.span or self.span
            raise

    @property
    def span(self) -> Span | None:
        """The nearest source line of the image, if known."""
        for location in self.locations:
            text = location.file.data.decode(errors="replace")
            for lines in location.ranges:
                return Span(location.file.filename, text, lines.line, lines.end_line)
        return None


@checked
def resolve_images(
    state: State, resolver: ImageResolver, *, platform: Platform | str | None = None
) -> State:
    """Resolve the base images of a state, and apply their configs as FROM in a Dockerfile does.

    Processes get the environment, working directory, user and shell of their image, below what the
    state sets itself; relative paths start from its working directory; and an image made from the
    state inherits the config of its base, except ONBUILD instructions, which cause a
    BaseImageWarning. The images are pinned to their digests. Images whose files are only copied or
    mounted are not resolved.

    ``resolver`` is for example a client or the gateway of a frontend; it is called once for each
    image, from several threads if there are several. ``platform`` is that of images without one;
    the default is the platform of this machine. ``llb build`` and a client do this themselves.
    Raises RemoteError, with the line of the image, if an image cannot be resolved, and
    InvalidValueError for a malformed config.

    >>> from llb import Image
    >>> from llb.testing import FakeImages
    >>> state = Image("alpine").run("true")
    >>> resolve_images(state, FakeImages(), platform="linux/amd64").getenv("PATH")
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    """
    default = Platform.host() if platform is None else to_platform(platform)
    return with_images(
        state, resolve_all(needed_images(state, platform=default), resolver), default
    )


def result_of(state: State) -> State:
    """Drop what a build of the state does not use: mounts of further steps, and the last process."""
    return State(state.output, evolve(state.settings, mounts=()), state.config)


def needed_images(
    state: State, *, platform: Platform, with_config: bool = True
) -> tuple[BaseImage, ...]:
    """List the images whose configs a state needs; ``with_config`` includes its image config."""
    sources = dict.fromkeys(base_images(_roots(state)))
    base = state.settings.process.base
    if with_config and base is not None:
        sources.setdefault(base)
    return tuple(dict.fromkeys(_base_image(source, platform) for source in sources))


def resolve_all(
    images: Iterable[BaseImage], resolver: ImageResolver
) -> dict[BaseImage, ResolvedImage]:
    """Resolve images in parallel; raises the error of the first that fails."""
    images = tuple(images)
    if len(images) < 2:
        return {image: image.resolve(resolver) for image in images}
    with futures.ThreadPoolExecutor(_THREADS) as pool:
        results = pool.map(lambda image: image.resolve(resolver), images)
        return dict(zip(images, results, strict=True))


def with_images(
    state: State, resolved: Mapping[BaseImage, ResolvedImage], platform: Platform
) -> State:
    """Apply resolved images to a state; an image that is missing in ``resolved`` stays as it is."""
    if not resolved:
        return state
    return _Rewriting(resolved, platform).state(state)


def _roots(state: State) -> list[ops.Op]:
    """List the operations that a state refers to, its result first."""
    mounts = [getattr(mount, "source", None) for mount in state.settings.mounts]
    roots = [output.op for output in (state.output, *mounts) if output is not None]
    return roots if state.last_run is None else [*roots, state.last_run]


def _base_image(source: ops.SourceOp, platform: Platform) -> BaseImage:
    locations = source.constraints.locations
    if not locations and source.call_site is not None:
        locations = python_locations(source.call_site)
    return BaseImage(
        source.identifier.removeprefix(DOCKER_IMAGE_SCHEME),
        source.constraints.platform or platform,
        cast("ResolveMode", dict(source.attrs).get(_RESOLVE_MODE, "default")),
        locations,
    )


class _Inherited:
    """What the steps on one image inherit."""

    def __init__(self, config: ImageConfig, platform: Platform) -> None:
        settings = with_config(Settings(), config)
        self.env, self.cwd = settings.process.env, settings.process.cwd
        self.config = evolve(config.for_state(), onbuild=())
        self.shell = config.shell or (WINDOWS_SHELL if platform.os == "windows" else None)
        self.moved: dict[int, Env] = {}


class _Rewriting:
    """A copy of a graph with resolved images; each operation is copied at most once."""

    def __init__(self, resolved: Mapping[BaseImage, ResolvedImage], platform: Platform) -> None:
        self._resolved = resolved
        self._platform = platform
        self._inherited: dict[BaseImage, _Inherited] = {}
        self._sources: dict[int, BaseImage | None] = {}
        self._processes: dict[int, ops.Process] = {}
        self._ops: dict[int, ops.Op] = {}

    def state(self, state: State) -> State:
        """Rewrite a state, with its settings and everything that it refers to."""
        for root in _roots(state):
            for op in post_order(root):
                if id(op) not in self._ops:
                    self._ops[id(op)] = self._op(op)
        base = self._base(state.settings.process.base)
        settings = evolve(
            state.settings,
            process=self._process(state.settings.process),
            mounts=tuple(map(self._mount, state.settings.mounts)),
        )
        last_run = None if state.last_run is None else self._ops[id(state.last_run)]
        assert last_run is None or isinstance(last_run, ops.ExecOp)
        config = state.config if base is None else _on_config(state.config, base)
        return State(self._output(state.output), settings, config, last_run)

    # --- operations ---------------------------------------------------------

    def _op(self, op: ops.Op) -> ops.Op:
        if isinstance(op, ops.SourceOp):
            return self._source(op)
        inputs_change = any(self._ops[id(output.op)] is not output.op for output in op.inputs)
        if not inputs_change and not any(self._base(base) for base in bases_of(op)):
            return op
        match op:
            case ops.ExecOp():
                return self._exec(op)
            case ops.FileOp():
                actions = tuple(map(self._action, op.actions))
                return evolve(op, base=self._output(op.base), actions=actions)
            case ops.DiffOp():
                return evolve(op, lower=self._output(op.lower), upper=self._output(op.upper))
            case ops.BuildOp():
                return evolve(op, source=self._new(op.source))
            case ops.LateSourceOp():
                return op
            case _:
                return evolve(op, inputs=tuple(map(self._new, op.inputs)))

    def _source(self, op: ops.SourceOp) -> ops.SourceOp:
        """Pin an image to its digest."""
        image = self._image(op)
        if image is None:
            return op
        resolved = self._resolved[image]
        reference = Reference.parse(resolved.ref or image.ref)
        if resolved.digest and reference.digest is None:
            reference = reference.pinned(resolved.digest)
        identifier = f"{DOCKER_IMAGE_SCHEME}{reference}"
        return op if identifier == op.identifier else evolve(op, identifier=identifier)

    def _exec(self, op: ops.ExecOp) -> ops.ExecOp:
        base, args = self._base(op.process.base), op.args
        if base is not None and base.shell is not None and isinstance(args, ShellArgs):
            args = args.in_shell(base.shell)
        return evolve(
            op,
            args=args,
            root=self._output(op.root),
            mounts=tuple(map(self._mount, op.mounts)),
            process=self._process(op.process),
        )

    def _process(self, process: ops.Process) -> ops.Process:
        base = self._base(process.base)
        if base is None:
            return process
        if id(process) not in self._processes:
            self._processes[id(process)] = evolve(
                process,
                env=process.env.on(base.env, base.moved),
                cwd=self._path(process.cwd),
                user=process.user or base.config.user,
                base=None,
            )
        return self._processes[id(process)]

    def _action(self, action: ops.FileAction) -> ops.FileAction:
        if isinstance(action, ops.CopyAction):
            src, dest = map(self._path, paths_of(action))
            return evolve(action, source=self._output(action.source), src=src, dest=dest)
        if isinstance(action, ops.SymlinkAction) or not isinstance(action.path, BasePath):
            return action
        return evolve(action, path=self._path(action.path))

    def _mount(self, mount: M_) -> M_:
        if isinstance(mount, ops.Bind | ops.Cache) and mount.source is not None:
            return evolve(mount, source=self._new(mount.source))
        return mount

    def _path(self, path: str) -> str:
        base = self._base(path.base) if isinstance(path, BasePath) else None
        return path.below(base.cwd) if base is not None and isinstance(path, BasePath) else path

    def _output(self, output: ops.Output | None) -> ops.Output | None:
        return None if output is None else self._new(output)

    def _new(self, output: ops.Output) -> ops.Output:
        op = self._ops[id(output.op)]
        return output if op is output.op else ops.Output(op, output.index)

    # --- images -------------------------------------------------------------

    def _image(self, source: ops.SourceOp) -> BaseImage | None:
        """Find the resolved image of a source, whether it is a base or only copied from."""
        if id(source) not in self._sources:
            is_image = source.identifier.startswith(DOCKER_IMAGE_SCHEME)
            image = _base_image(source, self._platform) if is_image else None
            self._sources[id(source)] = image if image in self._resolved else None
        return self._sources[id(source)]

    def _base(self, source: ops.SourceOp | None) -> _Inherited | None:
        image = None if source is None else self._image(source)
        if image is None:
            return None
        if image not in self._inherited:
            config = self._resolved[image].image
            self._inherited[image] = _Inherited(config, image.platform)
            if config.onbuild:
                _warn_of_onbuild(image, config.onbuild)
        return self._inherited[image]


def _on_config(own: ImageConfig, base: _Inherited) -> ImageConfig:
    """Lay what a state says about its image over the config of the base image."""
    config = evolve(
        base.config,
        author=own.author or base.config.author,
        created=own.created,
        user=own.user or base.config.user,
        exposed_ports=_union(base.config.exposed_ports, own.exposed_ports),
        volumes=_union(base.config.volumes, own.volumes),
        stop_signal=own.stop_signal or base.config.stop_signal,
        healthcheck=own.healthcheck or base.config.healthcheck,
        onbuild=own.onbuild,
        shell=own.shell or base.config.shell,
        other={**base.config.other, **own.other},
    )
    for key, value in own.labels:
        config = config.with_label(key, value)
    if own.entrypoint is not None:
        config = config.with_entrypoint(_command(own.entrypoint, base))
    return config if own.cmd is None else config.with_cmd(_command(own.cmd, base))


def _warn_of_onbuild(image: BaseImage, instructions: tuple[str, ...]) -> None:
    message = f"the ONBUILD instructions of {image.ref} are not run: {instructions[0]} …"
    span = image.span
    warn_at(message, *((image.ref, 1) if span is None else (span.filename, span.line)))


def _command(args: tuple[str, ...], base: _Inherited) -> tuple[str, ...] | None:
    if isinstance(args, ShellArgs) and base.shell is not None:
        return args.in_shell(base.shell)
    return args or None


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
