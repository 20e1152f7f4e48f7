"""One build file in Python, all the way and without a daemon: a definition and an image config."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from attrs import define, evolve, field

from llb import Platform, Reference, SourceFile, State, caps
from llb.buildfile import Build, Source
from llb.buildfile.bases import with_config
from llb.buildfile.context import UsedContext
from llb.buildfile.current import Calls
from llb.buildfile.loading import LANGUAGE, Modules
from llb.buildfile.running import Stopwatch, load, make
from llb.buildfile.target import find_target
from llb.dockerfile import parse
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.offline import Conversion
from llb.dockerfile.options import ConvertOptions
from llb.dockerfile.passes import convert_parsed
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.sources.named_contexts import ContextRequest, ResolvedContext, find_context
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.dockerfile.to_llb.run import proxy_of
from llb.errors import InputError, InvalidValueError
from llb.frontend.authoring.host import local_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from llb import Location
    from llb.buildfile import DockerfileRequest
    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.sources.requests import Request, Resolved
    from llb.gateway import FileStat
    from llb.sources.image_resolver import ResolvedImage

_GIVEN = "input:"
_PYTHON = ".py"


def convert(
    text: bytes | str,
    *,
    resolver: Resolver,
    filename: str = "build.py",
    target: str | None = None,
    platform: Platform | str | None = None,
    build_platform: Platform | str | None = None,
    build_args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    contexts: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    session_id: str | None = None,
    local_unique_id: str = "",
    neighbours: Mapping[str, bytes] | None = None,
) -> Conversion:
    r"""Return what a build file in Python comes to, as :func:`llb.dockerfile.convert` does.

    No daemon, registry or file is asked: ``resolver`` returns digest and config of an image, and
    ``neighbours`` are files of the build context by their paths, which the build file may import
    and read. The other arguments are those of a Dockerfile's conversion.

    Raises what the build file raises, told with its own lines; InputError where it reads what is
    not there; InvalidValueError for a mistake in the arguments; and what ``resolver`` raises.

    >>> from llb.dockerfile import ImageTable
    >>> build = '''
    ... from llb import Scratch, State
    ... from llb.buildfile import Build, target
    ...
    ... @target
    ... def app(build: Build) -> State:
    ...     return Scratch().copy(build.context(), "/")
    ... '''
    >>> len(convert(build, resolver=ImageTable({})).definition.ops)
    3
    """
    data = text.encode() if isinstance(text, str) else text
    options = ConvertOptions.alone(
        platform=platform,
        build_platform=build_platform,
        session_id=session_id,
        unique_id=local_unique_id,
        target=target or None,
        build_args=build_args or {},
        labels=labels or {},
        contexts=contexts or {},
        filename=filename,
        ignore=tuple(ignore),
    )
    pure = PureHost(options, resolver, dict(neighbours or {}))
    with _evaluated(data, options, pure) as tree:
        return _conversion(tree, options, pure)


def evaluate(
    text: bytes | str,
    *,
    resolver: Resolver,
    filename: str = "build.py",
    target: str | None = None,
    platform: Platform | str | None = None,
    build_args: Mapping[str, str] | None = None,
    neighbours: Mapping[str, bytes] | None = None,
) -> State:
    """Return the tree that a build file comes to; arguments and errors are those of :func:`convert`."""
    data = text.encode() if isinstance(text, str) else text
    options = ConvertOptions.alone(
        platform=platform, target=target or None, build_args=build_args or {}, filename=filename
    )
    pure = PureHost(options, resolver, dict(neighbours or {}))
    with _evaluated(data, options, pure) as tree:
        return tree


@contextmanager
def _evaluated(data: bytes, options: ConvertOptions, host: PureHost) -> Iterator[State]:
    """Give the one tree that the target makes, while the lines that made it are known."""
    filename = options.filename
    modules = Modules(
        SourceFile(filename, data, LANGUAGE), lambda name: _modules(host.files, filename, name)
    )
    try:
        yield _tree(modules, options, host)
    finally:
        modules.close()


def _tree(modules: Modules, options: ConvertOptions, host: PureHost) -> State:
    targets = load(modules, Stopwatch())
    found = find_target(targets, options.target)
    build = Build(
        platform=options.platform,
        build_platform=options.build_platform,
        platforms=(options.platform,),
        target=found.name,
        args=options.build_args,
        labels=options.labels,
        no_cache=False,
        epoch=_epoch(options),
        contexts=options.contexts,
        source=Source(modules.main),
        host=host,
    )
    parts = make(found, Calls(build), modules.files, host.watch)
    if len(parts) != 1:
        raise InvalidValueError(
            f"the target {found.name} makes several trees, and one is converted"
        )
    host.settle((parts[0].tree,))
    return parts[0].tree


def _conversion(tree: State, options: ConvertOptions, host: PureHost) -> Conversion:
    for key, value in options.labels.items():
        tree = tree.label(key, value)
    image = tree.platform(options.platform) if options.explicit_platform else tree
    return Conversion(
        definition=tree.marshal(
            platform=options.platform,
            caps=caps.known(),
            local_unique_id=options.unique_id or "",
        ),
        image_config=image.image_config(platform=options.platform),
        platform=options.platform,
        warnings=tuple(host.warnings),
    )


@define(eq=False)
class PureHost:
    """The host of a build file that asks nobody (:class:`llb.buildfile.Host`).

    ``files`` are those of the build context that are known, by their paths. ``watch`` stands still
    while images are asked for, and ``warnings`` are what the build file warned of.
    """

    options: ConvertOptions
    resolver: Resolver
    files: Mapping[str, bytes]
    watch: Stopwatch = field(factory=Stopwatch)
    warnings: list[str] = field(factory=list)
    _lazy: UsedContext | None = None
    _chosen: list[State] = field(factory=list)

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Return the build context; without arguments, with what is used of it."""
        tree = self.options.local_context
        if include or exclude or follow_paths:
            chosen = evolve(tree, exclude=(*tree.exclude, *exclude))
            self._chosen.append(local_tree(chosen, follow_paths, include))
            return self._chosen[-1]
        if self._lazy is None:
            self._lazy = UsedContext(lambda paths: local_tree(tree, paths))
        return self._lazy.state

    def settle(self, trees: Iterable[State]) -> None:
        """Let the build context be what the steps of ``trees`` use of it."""
        if self._lazy is not None:
            self._lazy.settle(trees)

    def named(self, name: str, platform: Platform) -> State | None:
        """Return a named context, or None where there is none."""
        request = find_context(self.options.contexts, name, platform)
        if request is None:
            return None
        with self.watch.stopped():
            found = resolve_purely((request,), self.resolver, self.options)[request]
        assert isinstance(found, ResolvedContext)
        return found.tree if isinstance(found.tree, State) else local_tree(found.tree)

    def prepared(self, tree: State) -> State:
        """Return a tree with the proxies of the build args, as nothing else is asked."""
        proxy = proxy_of(self.options.build_args)
        return tree if proxy is None else tree.proxy(proxy)

    def input(self, name: str) -> State | None:  # noqa: ARG002 - the interface's
        """Return None: there is no client that built anything."""
        return None

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: str = "default",  # noqa: ARG002 - the interface's
    ) -> ResolvedImage:
        """Return digest and config of an image."""
        span = errors.Source(self.options.filename, b"", "").span(1)
        full = str(Reference.parse(ref).tagged())
        with self.watch.stopped():
            return self.resolver(ImageRequest(full, platform or self.options.platform, ref, span))

    def read(self, tree: State, path: str, platform: Platform) -> bytes:  # noqa: ARG002 - likewise
        """Return a file of the build context that was given. Raises InputError for another."""
        name = posixpath.normpath(path).lstrip("/")
        if not any(each is tree for each in self._chosen):
            self._unread(path)
        if name not in self.files:
            raise InputError(
                f"there is no {path}",
                hint="without a daemon, just the files that are given as neighbours are there",
            )
        return self.files[name]

    def list_dir(
        self,
        tree: State,  # noqa: ARG002 - the interface's
        path: str,
        pattern: str,  # noqa: ARG002
        platform: Platform,  # noqa: ARG002
    ) -> tuple[FileStat, ...]:
        """Raise InputError: no directory can be read."""
        self._unread(path)

    def dockerfile(
        self, build: Build, text: bytes, filename: str, request: DockerfileRequest
    ) -> State:
        """Return what a Dockerfile describes."""
        options = evolve(
            self.options,
            filename=filename,
            target=request.target,
            build_args=request.build_args,
            platform=build.platform,
            contexts={
                **self.options.contexts,
                **{name: f"{_GIVEN}{name}" for name in request.contexts},
            },
        )

        def resolve(requests: tuple[Request, ...]) -> Mapping[Request, Resolved]:
            own: dict[Request, Resolved] = {}
            for each in requests:
                if isinstance(each, ContextRequest) and each.value.startswith(_GIVEN):
                    state = request.contexts[each.value.removeprefix(_GIVEN)]
                    own[each] = ResolvedContext(state, state.image_config(platform=build.platform))
            rest = tuple(each for each in requests if each not in own)
            return {**own, **resolve_purely(rest, self.resolver, options)}

        with self.watch.stopped():
            converted = convert_parsed(parse(text, filename), options, resolve)
        return with_config(converted.state, converted.image_config)

    def frontend(
        self,
        build: Build,  # noqa: ARG002 - the interface's
        source: str,
        options: Mapping[str, str],  # noqa: ARG002
        inputs: Mapping[str, State],  # noqa: ARG002
    ) -> State:
        """Raise InputError: no frontend can be run."""
        raise InputError(f"the frontend {source} cannot be run without a daemon")

    def warn(self, message: str, location: Location | None) -> None:
        """Remember a warning."""
        line = f" (line {location.ranges[0].line})" if location and location.ranges else ""
        self.warnings.append(f"{message}{line}")

    def _unread(self, path: str) -> NoReturn:
        raise InputError(
            f"{path} cannot be read without a daemon, which would build its tree",
            hint="just files of the build context that are given as neighbours can be",
        )


def _epoch(options: ConvertOptions) -> datetime | None:
    value = options.build_args.get(SOURCE_DATE_EPOCH, "")
    return find_epoch(value, (), {}, options, Expander(), None)


def _modules(files: Mapping[str, bytes], filename: str, name: str) -> dict[str, SourceFile]:
    """Return the files of a module, by their paths from where it was found."""
    for folder in dict.fromkeys((posixpath.dirname(filename), "")):
        found = {
            posixpath.relpath(path, folder or "."): SourceFile(path, data, LANGUAGE)
            for path, data in files.items()
            if path.endswith(_PYTHON) and _is_of(posixpath.relpath(path, folder or "."), name)
        }
        if found:
            return found
    return {}


def _is_of(path: str, name: str) -> bool:
    return path == f"{name}{_PYTHON}" or path.startswith(f"{name}/")
