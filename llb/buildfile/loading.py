"""A build file and its neighbours as modules, read through whoever has them.

They live below a package of their own, so that a neighbour may be called as anything else that is
installed: ``import ci.steps`` in a build file is ``<package>.ci.steps`` to the interpreter.
"""

from __future__ import annotations

import builtins
import importlib.util
import itertools
import linecache
import posixpath
import sys
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from attrs import define, field

from llb import source_map
from llb.buildfile import guards
from llb.buildfile.target import REGISTRY, Target, folded
from llb.errors import InputError, InvalidValueError, Span, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from llb.source_map import SourceFile

LANGUAGE = "Python"

_OWN = "llb"
_MAIN = "__main__"
_INIT = "__init__.py"
_names = (f"__build_{number}__" for number in itertools.count())


@define(eq=False)
class Modules(MetaPathFinder):
    """The modules of one build file.

    ``find`` returns the files that a name at the top stands for, by their paths from where it
    was found: of ``ci``, ``ci.py`` or all that is Python below ``ci/``. ``files`` are those that
    were read, by their names.
    """

    main: SourceFile
    find: Callable[[str], Mapping[str, SourceFile]]
    files: dict[str, SourceFile] = field(factory=dict, init=False)
    _package: str = field(factory=lambda: next(_names), init=False)
    _places: dict[str, SourceFile] = field(factory=dict, init=False)
    _found: set[str] = field(factory=set, init=False)

    def load(self) -> ModuleType:
        """Return the build file as a module; raises what it raises, and InputError."""
        self._know(self.main)
        sys.meta_path.insert(0, self)
        package = ModuleSpec(self._package, None, is_package=True)
        sys.modules[self._package] = importlib.util.module_from_spec(package)
        return importlib.import_module(f"{self._package}.{_MAIN}")

    def close(self) -> None:
        """Forget the modules, and their lines: steps are to be marshalled before."""
        for file in self.files.values():
            source_map.forget(file)
            linecache.cache.pop(file.filename, None)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in [each for each in sys.modules if each.partition(".")[0] == self._package]:
            del sys.modules[name]

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the interface's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return where a module of this package comes from."""
        package, _, name = fullname.partition(".")
        if package != self._package:
            return None
        file = self.main if name == _MAIN else self._file(name)
        if file is None and not self._is_folder(name):
            return None
        is_package = file is None or file.filename.endswith(f"/{_INIT}")
        loader = None if file is None else _Loader(self, file)
        return ModuleSpec(fullname, loader, is_package=is_package)

    def import_(
        self,
        name: str,
        given: Mapping[str, Any] | None = None,
        local: Mapping[str, Any] | None = None,
        names: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        """Return what an ``import`` of a build file gives; raises InputError for a stranger."""
        top = name.partition(".")[0]
        if level:
            return builtins.__import__(name, given, local, names or (), level)
        if top in sys.stdlib_module_names:
            for each in (name, *(f"{name}.{inner}" for inner in names or ())):
                guards.check_module(each)
            return guards.guarded(builtins.__import__(name, given, local, names or ()))
        if top == _OWN:
            return builtins.__import__(name, given, local, names or ())
        inner = f"{self._package}.{name}"
        try:
            found = builtins.__import__(inner, given, local, names or ())
        except ModuleNotFoundError as error:
            if error.name is None or not inner.startswith(error.name):
                raise
            raise self._stranger(name) from None
        return found if names else sys.modules[f"{self._package}.{top}"]

    def _file(self, name: str) -> SourceFile | None:
        path = name.replace(".", "/")
        top = name.partition(".")[0]
        if top not in self._found:
            self._found.add(top)
            with guards.lifted():
                found = self.find(top)
            self._places.update(found)
            for each in found.values():
                self._know(each)
        return self._places.get(f"{path}.py") or self._places.get(f"{path}/{_INIT}")

    def _is_folder(self, name: str) -> bool:
        start = name.replace(".", "/") + "/"
        return any(each.startswith(start) for each in self._places)

    def _know(self, file: SourceFile) -> None:
        """Let errors and steps show the lines of a file that is on no disk."""
        self.files[file.filename] = file
        source_map.know(file)
        text = file.data.decode("utf-8", errors="replace")
        # A file without a time is never looked for on a disk.
        linecache.cache[file.filename] = (
            len(text),
            None,
            text.splitlines(keepends=True),
            file.filename,
        )

    def _stranger(self, name: str) -> InputError:
        known = {posixpath.splitext(each)[0].replace("/", ".") for each in self._places}
        return InputError(
            f"there is no module {name} beside {self.main.filename}",
            hint=did_you_mean(name, known)
            or "a build file imports its neighbours, Python's standard library and llb",
        )


@define(eq=False)
class _Loader(InspectLoader):
    modules: Modules
    file: SourceFile

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - the interface's
        return importlib.util.decode_source(self.file.data)

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002 - the interface's
        return compile_file(self.file)

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002 - the interface's
        return self.file.filename.endswith(_INIT)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = guards.builtins_with(self.modules.import_)
        module.__file__ = self.file.filename
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - it is what it is for


def compile_file(file: SourceFile) -> Any:
    """Return the code of a file. Raises InputError with the place of a mistake in its syntax."""
    try:
        return compile(file.data, file.filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = file.data.decode("utf-8", errors="replace")
        width = 1
        if error.end_lineno == error.lineno and error.end_offset and error.offset:
            width = max(1, error.end_offset - error.offset)
        span = Span(file.filename, text, error.lineno or 1, column=error.offset, width=width)
        raise InputError(f"invalid Python: {error.msg}", span=span) from error
    except ValueError as error:
        raise InputError(f"{file.filename} is no Python: {error}") from error


def targets_of(module: ModuleType) -> tuple[Target, ...]:
    """Return the targets of a build file in their order. Raises InvalidValueError for a clash.

    They are those that it makes, and those that it imports by name.
    """
    made: list[Target] = module.__dict__.get(REGISTRY, [])
    there = [each for each in vars(module).values() if isinstance(each, Target)]
    found = tuple(dict.fromkeys([*made, *there]))
    seen: dict[str, Target] = {}
    for each in found:
        first = seen.setdefault(folded(each.name), each)
        if first is not each:
            raise InvalidValueError(
                f"two targets are called {each.name}: {first.filename}:{first.line} "
                f"and {each.filename}:{each.line}",
                hint="give one of them another name: @target(name=…)",
            )
    defaults = [each.name for each in found if each.is_default]
    if len(defaults) > 1:
        raise InvalidValueError(f"several targets are the default: {', '.join(defaults)}")
    return found
