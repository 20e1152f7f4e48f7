"""Convert a Python build file without a daemon: to a definition and an image config."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb import Platform, SourceFile, State, caps
from llb.buildfile import Build, Source
from llb.buildfile.current import Calls
from llb.buildfile.loading import LANGUAGE, Modules
from llb.buildfile.running import Stopwatch, load_targets, run_target
from llb.buildfile.target import find_target
from llb.dockerfile.offline import Conversion
from llb.dockerfile.options import ConvertOptions
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import InvalidValueError
from llb.frontend.buildfiles.pure_host import PureHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from llb.dockerfile.image_table import Resolver

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
    r"""Convert a Python build file, as :func:`llb.dockerfile.convert` converts a Dockerfile.

    Uses no daemon, registry or local file: ``resolver`` returns the digest and config of an image,
    and ``neighbours`` are files of the build context by their paths, which the build file may
    import and read. The other arguments are those of a Dockerfile conversion.

    Raises the build file's own exceptions, with its source lines; InputError if it reads a
    missing file; InvalidValueError for an invalid argument; and what ``resolver`` raises.

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
    host = PureHost(options, resolver, neighbours or {})
    with _evaluate_target(data, options, host) as tree:
        return _conversion(tree, options, host)


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
    """Evaluate a build file to its tree; arguments and errors are those of :func:`convert`."""
    data = text.encode() if isinstance(text, str) else text
    options = ConvertOptions.alone(
        platform=platform, target=target or None, build_args=build_args or {}, filename=filename
    )
    host = PureHost(options, resolver, neighbours or {})
    with _evaluate_target(data, options, host) as tree:
        return tree


@contextmanager
def _evaluate_target(data: bytes, options: ConvertOptions, host: PureHost) -> Iterator[State]:
    """Run the target, and keep its source lines available while the context is open."""
    filename = options.filename
    modules = Modules(
        SourceFile(filename, data, LANGUAGE), lambda name: _modules(host.files, filename, name)
    )
    try:
        yield _tree(modules, options, host)
    finally:
        modules.close()


def _tree(modules: Modules, options: ConvertOptions, host: PureHost) -> State:
    targets = load_targets(modules, Stopwatch())
    target = find_target(targets, options.target)
    build = Build(
        platform=options.platform,
        build_platform=options.build_platform,
        platforms=(options.platform,),
        target=target.name,
        args=options.build_args,
        labels=options.labels,
        no_cache=False,
        epoch=_epoch(options),
        contexts=options.contexts,
        source=Source(modules.main),
        host=host,
    )
    parts = run_target(target, Calls(build), modules.files, host.watch)
    if len(parts) != 1:
        raise InvalidValueError(
            f"the target {target.name} returns several states: only one can be converted"
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


def _epoch(options: ConvertOptions) -> datetime | None:
    value = options.build_args.get(SOURCE_DATE_EPOCH, "")
    return find_epoch(value, (), {}, options, Expander(), None)


def _modules(files: Mapping[str, bytes], filename: str, name: str) -> dict[str, SourceFile]:
    """Find the files of a module, by their paths relative to the folder that has it."""
    for folder in dict.fromkeys((posixpath.dirname(filename), "")):
        module_files = {
            posixpath.relpath(path, folder or "."): SourceFile(path, files[path], LANGUAGE)
            for path in files
            if path.endswith(_PYTHON) and _is_part_of(posixpath.relpath(path, folder or "."), name)
        }
        if module_files:
            return module_files
    return {}


def _is_part_of(path: str, name: str) -> bool:
    return path == f"{name}{_PYTHON}" or path.startswith(f"{name}/")
