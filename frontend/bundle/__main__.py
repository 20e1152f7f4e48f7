"""Write the file that the frontend's image starts from: ``python -S -m frontend.bundle``.

It is made of an installation, and belongs to it (:mod:`frontend.bundle.start`). Its bytes are the same
every time that ``PYTHONHASHSEED`` is, because attrs writes hashes into methods.
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

    Kept = dict[tuple[str | bytes, int], bytes]

# What a build without anything special imports, some of it while it goes on.
_ROOTS = ("frontend.__main__", "llb.frontend.build", "llb.definition.decode")


def write(path: Path) -> None:
    """Write the modules that the roots import, and what is compiled meanwhile."""
    methods = _keep_methods()
    patterns = _keep_patterns()
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
    tables = [{key: put(each[key]) for key in each} for each in (methods, patterns)]
    index = marshal.dumps((modules, *tables))
    path.write_bytes(len(index).to_bytes(8) + index + values)


def _modules() -> Iterator[tuple[str, str, bool, bytes]]:
    """Return what was imported from files: name, source, whether it is a package, and code."""
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        # The program that writes is a module too, under another name.
        if spec is None or spec.name != name:
            continue
        if isinstance(spec.loader, SourceFileLoader):
            code = marshal.dumps(spec.loader.get_code(name))
            yield name, spec.loader.path, spec.submodule_search_locations is not None, code


def _keep_methods() -> Kept:
    """Return where the code of the methods that attrs makes for classes is put from now on."""
    found: Kept = {}
    compile_any = builtins.compile

    def keeping(source: Any, filename: Any, mode: str, *args: Any, **more: Any) -> Any:
        code = compile_any(source, filename, mode, *args, **more)
        if isinstance(filename, str) and filename.startswith(METHODS):
            found[filename, crc32(source.encode())] = marshal.dumps(code)
        return code

    builtins.compile = keeping
    return found


def _keep_patterns() -> Kept:
    """Return where what ``re`` compiles is put from now on, as arguments of ``_sre.compile``."""
    found: Kept = {}
    compiler = import_module("re._compiler")
    compile_any, sre = compiler.compile, compiler._sre

    def keeping(pattern: Any, flags: int = 0) -> Any:
        def compile_code(text: Any, all_flags: int, code: list[int], *groups: Any) -> Any:
            # The numbers are of a class with names for them.
            plain = text, int(all_flags), [int(each) for each in code], *groups
            found[pattern, int(flags)] = marshal.dumps(plain)
            return sre.compile(text, all_flags, code, *groups)

        compiler.__dict__["_sre"] = SimpleNamespace(**{**vars(sre), "compile": compile_code})
        try:
            return compile_any(pattern, flags)
        finally:
            compiler.__dict__["_sre"] = sre

    compiler.__dict__["compile"] = keeping
    return found


if __name__ == "__main__":
    write(Path(PATH))
