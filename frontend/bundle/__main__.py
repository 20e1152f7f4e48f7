"""Write the bundle that the frontend's image starts from: ``python -S -m frontend.bundle``.

A bundle is specific to the installation that it was written from (:mod:`frontend.bundle.start`).
Its bytes are reproducible for a fixed ``PYTHONHASHSEED``: attrs writes hashes into methods.
"""

from __future__ import annotations

import builtins
import marshal
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zlib import crc32

from frontend.bundle.start import METHODS, PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    Compiled = dict[tuple[str | bytes, int], bytes]

# The modules that an ordinary build imports, some of them while it runs.
_ROOTS = (
    "frontend.__main__",
    "llb.definition.decode",
    "llb.frontend.build",
    "llb.frontend.server",
    "llb.gateway.server",
)


def write(path: Path) -> None:
    """Write the modules that the roots import, and the methods and expressions they compile."""
    methods = _record_methods()
    patterns = _record_patterns()
    for name in _ROOTS:
        import_module(name)
    values = bytearray()

    def put(value: bytes) -> tuple[int, int]:
        begin = len(values)
        values.extend(value)
        return begin, len(values)

    modules = {
        name: (source, is_package, *put(code)) for name, source, is_package, code in _modules()
    }
    tables = [{key: put(table[key]) for key in table} for table in (methods, patterns)]
    # The second version of the format marks neither interned strings nor references.
    index = marshal.dumps((modules, *tables), 2)
    path.write_bytes(len(index).to_bytes(8) + index + values)


def _dump(value: Any) -> bytes:
    """Write a value for marshal, the same in every run.

    The format marks what has several references, and others may refer to parts of the value. Only
    its own parts refer to each other in a copy.
    """
    return marshal.dumps(marshal.loads(marshal.dumps(value)))  # noqa: S302 - our own bytes


def _modules() -> Iterator[tuple[str, str, bool, bytes]]:
    """Yield the modules imported from files: name, source, whether it is a package, and code."""
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        # This program is a module too, under another name.
        if spec is None or spec.name != name:
            continue
        if isinstance(spec.loader, SourceFileLoader):
            code = _dump(spec.loader.get_code(name))
            yield name, spec.loader.path, spec.submodule_search_locations is not None, code


def _record_methods() -> Compiled:
    """Record the code of all methods that attrs generates from now on."""
    recorded: Compiled = {}
    compile_any = builtins.compile

    def recording(source: Any, filename: Any, mode: str, *args: Any, **more: Any) -> Any:
        code = compile_any(source, filename, mode, *args, **more)
        if isinstance(filename, str) and filename.startswith(METHODS):
            recorded[filename, crc32(source.encode())] = _dump(code)
        return code

    builtins.compile = recording
    return recorded


def _record_patterns() -> Compiled:
    """Record all expressions that ``re`` compiles from now on, as arguments of ``_sre.compile``."""
    recorded: Compiled = {}
    compiler = import_module("re._compiler")
    compile_any, sre = compiler.compile, compiler._sre

    def recording(pattern: Any, flags: int = 0) -> Any:
        def compile_code(source: Any, all_flags: int, code: list[int], *groups: Any) -> Any:
            # The numbers are instances of a subclass of int, which marshal cannot write.
            plain = source, int(all_flags), [int(number) for number in code], *groups
            recorded[pattern, int(flags)] = _dump(plain)
            return sre.compile(source, all_flags, code, *groups)

        compiler.__dict__["_sre"] = SimpleNamespace(**{**vars(sre), "compile": compile_code})
        try:
            return compile_any(pattern, flags)
        finally:
            compiler.__dict__["_sre"] = sre

    compiler.__dict__["compile"] = recording
    return recorded


if __name__ == "__main__":
    write(Path(PATH))
