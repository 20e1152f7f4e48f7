"""Start the frontend's image with the modules of a bundle, a single file.

    python -S -c 'from frontend.bundle.start import main; main()'

At every start, Python searches a file for every module, attrs compiles the methods of every
class, and ``re`` every expression. :mod:`frontend.bundle` does this once, when the image is built.
Anything missing from the bundle is found and compiled as usual.
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

# As in ``typing``, which is to be loaded from the bundle.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import CodeType, ModuleType
    from typing import Any

# Byte code is specific to a version of Python, which the tag names.
PATH = f"{__file__.rpartition('/')[0]}/{sys.implementation.cache_tag}.bundle"
# The size in bytes of the number at the start of the file.
_SIZE = 8
# The prefix of the file names that attrs gives to generated methods.
METHODS = "<attrs generated "
# Modules that protobuf, inspect and logging import for features that builds do not use: 12 ms.
# Each is loaded when it is first used.
_LATER = ("ast", "calendar", "google.protobuf.internal.python_message", "tokenize", "traceback")
# The number of new objects that triggers garbage collection; imports create fewer.
_THRESHOLD = 100_000

_compile = builtins.compile


def main() -> None:
    """Serve the daemon and exit, like ``python -m frontend``."""
    # Imports create no garbage; collecting it would take 6 ms.
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
    # Nothing is left to shut down in order, and the teardown of the modules takes 2 ms.
    os._exit(status)


class Bundle:
    """A bundle file: modules, methods of attrs classes, and compiled expressions.

    The file contains the size of its index in 8 bytes, the index, and the values that it refers
    to, all in the format of ``marshal``. The index has three tables, which give the offsets of the
    first byte of a value and of the one after its last: the code of modules by name, each with its
    source file and whether it is a package; the code of methods by the file name that attrs gives
    them and the checksum of their source; and the arguments of ``_sre.compile`` by expression and
    flags.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY)
        size = int.from_bytes(self._read(_SIZE, 0))
        self._begin = _SIZE + size
        self._modules, self._methods, self._patterns = self.value(-size, 0)

    def install(self) -> None:
        """Make imports, attrs and ``re`` look here first."""
        sys.meta_path.insert(0, self)
        expressions = import_module("re._compiler")
        self._compile_pattern = expressions.compile
        expressions.__dict__["compile"] = self.compile_pattern
        builtins.compile = self.compile_methods
        methods = import_module("attr._make")
        builtins.compile = _compile
        # From now on only attrs uses it.
        methods.__dict__["compile"] = self.compile_methods

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the spec of a module; None if it is not in the file (PEP 451)."""
        if name not in self._modules:
            return None
        path, is_package, *offsets = self._modules[name]
        loader: Loader = _Loader(name, path, self, offsets)
        if name in _LATER:
            loader = import_module("importlib.util").LazyLoader(loader)
        spec = ModuleSpec(name, loader, origin=path, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [path.rpartition("/")[0]]
        return spec

    def compile_methods(
        self, source: Any, filename: Any, mode: str, *args: Any, **options: Any
    ) -> Any:
        """Replace ``compile`` for attrs: load the code of a method if the bundle has it."""
        if isinstance(filename, str) and filename.startswith(METHODS):
            offsets = self._methods.get((filename, crc32(source.encode())))
            if offsets is not None:
                return self.value(*offsets)
        return _compile(source, filename, mode, *args, **options)

    def compile_pattern(self, pattern: Any, flags: int = 0) -> Any:
        """Replace ``re``'s compiler: load an expression if the bundle has it."""
        offsets = self._patterns.get((pattern, int(flags)))
        if offsets is None:
            return self._compile_pattern(pattern, flags)
        return _sre.compile(*self.value(*offsets))

    def value(self, begin: int, end: int) -> Any:
        """Load a value on demand: the file has 4 MB."""
        data = self._read(end - begin, self._begin + begin)
        return marshal.loads(data)  # noqa: S302 - our own file

    def _read(self, size: int, offset: int) -> bytes:
        if sys.platform == "win32":
            # The image is one for Linux.
            raise NotImplementedError
        return os.pread(self._file, size, offset)


class _Loader(SourceFileLoader):
    """Loads a module from the bundle; its source stays where it is."""

    def __init__(self, name: str, path: str, bundle: Bundle, offsets: Sequence[int]) -> None:
        super().__init__(name, path)
        self._bundle, self._offsets = bundle, offsets

    def get_code(self, fullname: str) -> CodeType:
        """Load the code of the module."""
        assert fullname == self.name
        code: CodeType = self._bundle.value(*self._offsets)
        return code
