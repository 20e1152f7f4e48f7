"""A build file on the daemon: its modules and its targets."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, Self

from attrs import define, field

from llb import SourceFile
from llb.buildfile.loading import LANGUAGE, Modules
from llb.buildfile.running import Part, Stopwatch, load, make
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
    from llb.frontend.authoring.target_builder import Maker
    from llb.frontend.dockerui.open import Opened
    from llb.gateway import FileStat, Gateway, Ref

# Build args that are for BuildKit, or that clients give to every build.
_RESERVED = ("BUILDKIT_", SOURCE_DATE_EPOCH)
_PYTHON = ".py"


@define(eq=False)
class Script(Subject):
    """A build file that was read."""

    opened: Opened
    source: SourceFile = field(init=False)
    _modules: Modules = field(init=False)
    _targets: tuple[Target, ...] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        opened = self.opened
        filename = opened.options.filename
        self.source = SourceFile(filename, opened.text, LANGUAGE, opened.definition)
        self._modules = Modules(self.source, self._neighbours)

    def __enter__(self) -> Self:
        """Return the build file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget its modules."""
        self._modules.close()

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the file in their order. Raises what the file raises, and LLBError."""
        if self._targets is None:
            self._targets = load(self._modules, Stopwatch())
        return self._targets

    @property
    def maker(self) -> Maker:
        """What calls the targets. Raises InvalidValueError for a build arg that none has."""
        check_arguments(self.targets, self.opened.options.build_args)
        return super().maker

    def call(self, target: Target, calls: Calls[Target], watch: Stopwatch) -> tuple[Part, ...]:
        """Call a target with the modules of the file."""
        return make(target, calls, self._modules.files, watch)

    def _neighbours(self, name: str) -> dict[str, SourceFile]:
        """Return the files of a module, by their paths from where it was found."""
        folder = posixpath.dirname(self.source.filename)
        for inside in dict.fromkeys((folder, "")):
            label = f"[internal] load {name} from beside {self.source.filename}"
            tree = self.opened.contexts.beside(_patterns(name, inside), label)
            found = self._read(tree, name, inside)
            if found:
                return found
        return self._read(self._context(name), name, "")

    def _context(self, name: str) -> State:
        return GatewayHost(self.opened).context(_patterns(name, ""), (), ())

    def _read(self, tree: State, name: str, inside: str) -> dict[str, SourceFile]:
        """Return the files of a module in a folder of a tree, by their paths from there."""
        gateway = self.opened.gateway
        definition = tree.marshal(caps=gateway.caps.llb)
        ref = gateway.solve(definition)
        encoded = definition.to_bytes()
        paths = _modules_in(self.opened.gateway, ref, inside, name)
        return {
            posixpath.relpath(path, inside or "."): SourceFile(
                path, gateway.read_file(ref, path), LANGUAGE, encoded
            )
            for path in paths
        }


def check_arguments(targets: Iterable[Target], given: Iterable[str]) -> None:
    """Raise InvalidValueError for a build arg that no target has."""
    known = {each.name for target in targets for each in target.parameters}
    for name in given:
        is_reserved = name.startswith(_RESERVED) or is_proxy(name)
        if name not in known and not is_reserved:
            hint = did_you_mean(name, known)
            raise InvalidValueError(
                f"there is no build arg {name}",
                hint=hint or f"there are {', '.join(sorted(known)) or 'none'}",
            )


def _modules_in(gateway: Gateway, ref: Ref, folder: str, name: str) -> list[str]:
    """Return the paths of a module's files in a folder of a tree."""
    found = []
    pending = [folder]
    while pending:
        inside = pending.pop()
        for each in _entries(gateway, ref, inside):
            path = posixpath.join(inside, each.path)
            is_wanted = inside != folder or each.path in (name, f"{name}{_PYTHON}")
            if is_wanted and stat.S_ISDIR(each.mode):
                pending.append(path)
            elif is_wanted and path.endswith(_PYTHON):
                found.append(path)
    return sorted(found)


def _entries(gateway: Gateway, ref: Ref, folder: str) -> tuple[FileStat, ...]:
    try:
        return gateway.read_dir(ref, folder or ".")
    except RemoteError as error:
        if is_not_found(error):
            return ()
        raise


def _patterns(name: str, folder: str) -> tuple[str, ...]:
    """Return the patterns of the files that a module of a name in a folder can be made of."""
    path = posixpath.join(folder, name)
    return (f"{path}.py", f"{path}/**/*.py")
