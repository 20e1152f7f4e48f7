"""Import a build file and the modules next to it, read from wherever they are.

They live in a private package, so a module may have the name of an installed one:
``import ci.steps`` in a build file is ``<package>.ci.steps`` to the interpreter.
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
from llb.buildfile.guarded_modules import check_module, guard_module
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

    ``find`` returns the files of a top-level module, by their paths relative to the folder that
    has it: for ``ci``, ``ci.py`` or all Python files below ``ci/``. ``files`` are the files that
    were read, by the paths in their code, which are unique in the process: several build files of
    one name may be evaluated at the same time.
    """

    main: SourceFile
    find: Callable[[str], Mapping[str, SourceFile]]
    files: dict[str, SourceFile] = field(factory=dict, init=False)
    _package: str = field(factory=lambda: next(_names), init=False)
    _by_path: dict[str, SourceFile] = field(factory=dict, init=False)
    _searched: set[str] = field(factory=set, init=False)

    def load(self) -> ModuleType:
        """Import the build file; raises its exceptions, and InputError."""
        self._register(self.main)
        sys.meta_path.insert(0, self)
        package = ModuleSpec(self._package, None, is_package=True)
        sys.modules[self._package] = importlib.util.module_from_spec(package)
        return importlib.import_module(f"{self._package}.{_MAIN}")

    def close(self) -> None:
        """Unload the modules and their lines; marshal all steps before."""
        for path in self.files:
            source_map.forget(path)
            linecache.cache.pop(path, None)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in [name for name in sys.modules if name.partition(".")[0] == self._package]:
            del sys.modules[name]

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the interface's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Find the spec of a module in the private package."""
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
        global_names: Mapping[str, Any] | None = None,
        local_names: Mapping[str, Any] | None = None,
        names: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        """Import a module for a build file; raises InputError for an unknown module."""
        top = name.partition(".")[0]
        if level:
            return builtins.__import__(name, global_names, local_names, names or (), level)
        if top in sys.stdlib_module_names:
            for module_name in (name, *(f"{name}.{inner}" for inner in names or ())):
                check_module(module_name)
            module = builtins.__import__(name, global_names, local_names, names or ())
            return guard_module(module, import_module=self._import_module)
        if top == _OWN:
            return builtins.__import__(name, global_names, local_names, names or ())
        inner = f"{self._package}.{name}"
        try:
            module = builtins.__import__(inner, global_names, local_names, names or ())
        except ModuleNotFoundError as error:
            if error.name is None or not inner.startswith(error.name):
                raise
            raise self._unknown_module(name) from None
        return module if names else sys.modules[f"{self._package}.{top}"]

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Import a module as ``importlib.import_module`` does, for a build file."""
        if name.startswith("."):
            return importlib.import_module(name, package)
        return self.import_(name, names=("__name__",))

    def _file(self, name: str) -> SourceFile | None:
        path = name.replace(".", "/")
        top = name.partition(".")[0]
        if top not in self._searched:
            self._searched.add(top)
            with guards.suspend():
                files = self.find(top)
            self._by_path.update(files)
            for file in files.values():
                self._register(file)
        return self._by_path.get(f"{path}.py") or self._by_path.get(f"{path}/{_INIT}")

    def _is_folder(self, name: str) -> bool:
        start = name.replace(".", "/") + "/"
        return any(path.startswith(start) for path in self._by_path)

    def _register(self, file: SourceFile) -> None:
        """Register the lines of a file that is not on disk, for errors and steps."""
        path = self.path_of(file)
        self.files[path] = file
        source_map.know(file, path)
        text = file.data.decode("utf-8", errors="replace")
        # Without a modification time, linecache never looks for the file on disk.
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)

    def path_of(self, file: SourceFile) -> str:
        """The path of a file in its code, and so in tracebacks."""
        return f"{self._package}/{file.filename}"

    def _unknown_module(self, name: str) -> InputError:
        names = {posixpath.splitext(path)[0].replace("/", ".") for path in self._by_path}
        return InputError(
            f"module {name} not found next to {self.main.filename}",
            hint=did_you_mean(name, names)
            or "a build file can import files next to it, Python's standard library and llb",
        )


@define(eq=False)
class _Loader(InspectLoader):
    modules: Modules
    file: SourceFile

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - the interface's
        return importlib.util.decode_source(self.file.data)

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002 - the interface's
        return compile_file(self.file, self.modules.path_of(self.file))

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002 - the interface's
        return self.file.filename.endswith(_INIT)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = guards.builtins_with(self.modules.import_)
        module.__file__ = self.file.filename
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - a loader runs code


def compile_file(file: SourceFile, path: str) -> Any:
    """Compile a file, whose code names it ``path``. Raises InputError for invalid syntax, with a span."""
    try:
        return compile(file.data, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = file.data.decode("utf-8", errors="replace")
        width = 1
        if error.end_lineno == error.lineno and error.end_offset and error.offset:
            width = max(1, error.end_offset - error.offset)
        span = Span(file.filename, text, error.lineno or 1, column=error.offset, width=width)
        raise InputError(f"invalid Python: {error.msg}", span=span) from error
    except ValueError as error:
        raise InputError(f"invalid Python file {file.filename}: {error}") from error


def targets_of(module: ModuleType) -> tuple[Target, ...]:
    """Collect the targets of a build file in their order.

    They are those that it defines, and those that it imports by name. Raises InvalidValueError
    for two targets of the same name, and for two defaults.
    """
    defined: list[Target] = module.__dict__.get(REGISTRY, [])
    imported = [value for value in vars(module).values() if isinstance(value, Target)]
    targets = tuple(dict.fromkeys([*defined, *imported]))
    by_name: dict[str, Target] = {}
    for target in targets:
        first = by_name.setdefault(folded(target.name), target)
        if first is not target:
            raise InvalidValueError(
                f"duplicate target {target.name}: {first.filename}:{first.line} "
                f"and {target.filename}:{target.line}",
                hint="rename one of them: @target(name=…)",
            )
    defaults = [target.name for target in targets if target.is_default]
    if len(defaults) > 1:
        raise InvalidValueError(f"several default targets: {', '.join(defaults)}")
    return targets
