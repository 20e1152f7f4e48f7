"""A build file on the daemon: its modules and its targets."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, Self

from attrs import define, field

from llb import SourceFile
from llb.buildfile.loading import LANGUAGE, Modules
from llb.buildfile.running import Part, Stopwatch, load_targets, run_target
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile_rules.run import is_proxy
from llb.errors import InvalidValueError, RemoteError, did_you_mean
from llb.frontend.authoring.gateway_host import GatewayHost
from llb.frontend.authoring.subject import Subject
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State
    from llb.buildfile import Target
    from llb.buildfile.current import Calls
    from llb.frontend.authoring.target_builder import TargetRunner
    from llb.frontend.dockerui.open import BuildRequest
    from llb.gateway import FileStat, Gateway, Ref

# Build args for BuildKit itself, and those that clients send to every build.
_RESERVED = ("BUILDKIT_", SOURCE_DATE_EPOCH)
_PYTHON = ".py"


@define(eq=False)
class BuildFile(Subject):
    """A build file that was read."""

    request: BuildRequest
    source: SourceFile = field(init=False)
    _modules: Modules = field(init=False)
    _targets: tuple[Target, ...] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        request = self.request
        filename = request.options.filename
        self.source = SourceFile(filename, request.text, LANGUAGE, request.definition)
        self._modules = Modules(self.source, self._find_module)

    def __enter__(self) -> Self:
        """Return the build file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unload its modules."""
        self._modules.close()

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the file in their order. Raises the file's own exceptions, and LLBError."""
        if self._targets is None:
            self._targets = load_targets(self._modules, Stopwatch())
        return self._targets

    @property
    def runner(self) -> TargetRunner:
        """The runner of the targets. Raises InvalidValueError for an unknown build arg."""
        check_arguments(self.targets, self.request.options.build_args)
        return super().runner

    def call(self, target: Target, calls: Calls[Target], watch: Stopwatch) -> tuple[Part, ...]:
        """Call a target with the modules of the file."""
        return run_target(target, calls, self._modules.files, watch)

    def _find_module(self, name: str) -> dict[str, SourceFile]:
        """Load the files of a module, by their paths relative to the folder that has it."""
        folder = posixpath.dirname(self.source.filename)
        for inside in dict.fromkeys((folder, "")):
            label = f"[internal] load {name} from beside {self.source.filename}"
            tree = self.request.contexts.dockerfile_neighbours(_patterns(name, inside), label)
            files = self._read(tree, name, inside)
            if files:
                return files
        return self._read(self._context(name), name, "")

    def _context(self, name: str) -> State:
        return GatewayHost(self.request).context(_patterns(name, ""), (), ())

    def _read(self, tree: State, name: str, inside: str) -> dict[str, SourceFile]:
        """Read the files of a module in a folder of a tree, by their paths relative to it."""
        gateway = self.request.gateway
        definition = tree.marshal(caps=gateway.caps.llb)
        ref = gateway.solve(definition)
        encoded = definition.to_bytes()
        paths = _module_paths(self.request.gateway, ref, inside, name)
        return {
            posixpath.relpath(path, inside or "."): SourceFile(
                path, gateway.read_file(ref, path), LANGUAGE, encoded
            )
            for path in paths
        }


def check_arguments(targets: Iterable[Target], names: Iterable[str]) -> None:
    """Raise InvalidValueError for a build arg that no target has."""
    parameters = {parameter.name for target in targets for parameter in target.parameters}
    for name in names:
        is_reserved = name.startswith(_RESERVED) or is_proxy(name)
        if name not in parameters and not is_reserved:
            hint = did_you_mean(name, parameters)
            raise InvalidValueError(
                f"unknown build arg {name}",
                hint=hint or f"available build args: {', '.join(sorted(parameters)) or 'none'}",
            )


def _module_paths(gateway: Gateway, ref: Ref, folder: str, name: str) -> list[str]:
    """List the files of a module in a folder of a tree."""
    paths = []
    pending = [folder]
    while pending:
        inside = pending.pop()
        for entry in _entries(gateway, ref, inside):
            path = posixpath.join(inside, entry.path)
            is_of_module = inside != folder or entry.path in (name, f"{name}{_PYTHON}")
            if is_of_module and stat.S_ISDIR(entry.mode):
                pending.append(path)
            elif is_of_module and path.endswith(_PYTHON):
                paths.append(path)
    return sorted(paths)


def _entries(gateway: Gateway, ref: Ref, folder: str) -> tuple[FileStat, ...]:
    try:
        return gateway.read_dir(ref, folder or ".")
    except RemoteError as error:
        if is_not_found(error):
            return ()
        raise


def _patterns(name: str, folder: str) -> tuple[str, ...]:
    """Build the patterns of the files of a module in a folder."""
    path = posixpath.join(folder, name)
    return (f"{path}.py", f"{path}/**/*.py")
