"""The start of the frontend's image: what a build imports comes out of one file.

    python -S -c 'from frontend.bundle.start import main; main()' [--labs]

Python looks for a file for every module, attrs compiles the methods of every class, and ``re``
every expression, at every start. :mod:`frontend.bundle` did that when the image was made. What is
not in its file is found and compiled as ever.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import builtins
import gc
import marshal
import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from zlib import crc32

# That of ``typing``, which is to come out of the bundle.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import CodeType, ModuleType
    from typing import Any

# Code is that of one version of Python, which the tag names.
PATH = f"{__file__.rpartition('/')[0]}/{sys.implementation.cache_tag}.bundle"
# The bytes of the number that the file begins with.
_SIZE = 8
# How attrs names the files that its methods come from.
METHODS = "<attrs generated "
# What protobuf has beside its extension module, and inspect, logging and protobuf's dates for
# what builds do not do: 12 ms. Each is imported when something of it is used.
_LATER = ("ast", "calendar", "google.protobuf.internal.python_message", "tokenize", "traceback")
# How many objects may be made until garbage is looked for; it is more than imports make.
_THRESHOLD = 100_000

_compile = builtins.compile


def main() -> None:
    """Serve the daemon and exit, as ``python -m frontend`` does."""
    # Nothing of what is imported is garbage; looking for it would take 6 ms.
    gc.set_threshold(_THRESHOLD)
    try:
        bundle = Bundle(PATH)
    except FileNotFoundError:
        pass
    else:
        bundle.install()
    from frontend.__main__ import main as serve  # noqa: PLC0415 - it comes out of the bundle

    status = serve(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left that has to end in order, and to take the modules apart takes 2 ms.
    os._exit(status)


class Bundle:
    """Finds modules, the methods of attrs classes, and expressions in the file of a bundle.

    The file is the size of an index in 8 bytes, the index, and the values that it refers to, all
    as ``marshal`` writes them. The index has three tables, with the first byte of a value and the
    one after its last: the code of modules by name, each with the file of its source and whether
    it is a package; that of methods by the name that attrs gives their source, and its check sum;
    and the arguments of ``_sre.compile`` by expression and flags.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = int.from_bytes(os.pread(self._file, _SIZE, 0))
        self._begin = _SIZE + size
        self._modules, self._methods, self._patterns = self.value(-size, 0)

    def install(self) -> None:
        """Have imports, attrs and ``re`` look here first."""
        sys.meta_path.insert(0, self)
        expressions = import_module("re._compiler")
        self._compile_pattern = expressions.compile
        expressions.__dict__["compile"] = self.compile_pattern
        builtins.compile = self.compile_methods
        methods = import_module("attr._make")
        builtins.compile = _compile
        # From now on it is for attrs alone.
        methods.__dict__["compile"] = self.compile_methods

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module is loaded, or None where it is not in the file (PEP 451)."""
        if name not in self._modules:
            return None
        path, is_package, *place = self._modules[name]
        loader: Loader = _Loader(name, path, self, place)
        if name in _LATER:
            loader = import_module("importlib.util").LazyLoader(loader)
        spec = ModuleSpec(name, loader, origin=path, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [path.rpartition("/")[0]]
        return spec

    def compile_methods(
        self, source: Any, filename: Any, mode: str, *args: Any, **more: Any
    ) -> Any:
        """Return what ``compile`` returns."""
        if isinstance(filename, str) and filename.startswith(METHODS):
            place = self._methods.get((filename, crc32(source.encode())))
            if place is not None:
                return self.value(*place)
        return _compile(source, filename, mode, *args, **more)

    def compile_pattern(self, pattern: Any, flags: int = 0) -> Any:
        """Return what ``re`` makes of an expression that it has not compiled before."""
        place = self._patterns.get((pattern, int(flags)))
        if place is None:
            return self._compile_pattern(pattern, flags)
        return _sre.compile(*self.value(*place))

    def value(self, begin: int, end: int) -> Any:
        """Return a value, which is read when it is asked for: the file has 4 MB."""
        data = os.pread(self._file, end - begin, self._begin + begin)
        return marshal.loads(data)  # noqa: S302 - it is our own


class _Loader(SourceFileLoader):
    """Loads a module whose code is at hand; its source is where it always was."""

    def __init__(self, name: str, path: str, bundle: Bundle, place: Sequence[int]) -> None:
        super().__init__(name, path)
        self._bundle, self._place = bundle, place

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module."""
        assert fullname == self.name
        code: CodeType = self._bundle.value(*self._place)
        return code
