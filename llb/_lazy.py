"""Imports that run when they are first needed, to keep start-up short.

Modules that few builds need stand in a block of their own, with the time that it saves::

    with lazy_imports(__name__):
        import tarfile  # 8 ms

The block binds modules, each imported when an attribute of it is first read. ``python -m
bench.lazy_imports`` measures every such import. A package lists its public names likewise, and
imports the module of a name when the name is read::

    with lazy_exports(__name__):
        from llb.client.client import Client as Client
"""

from __future__ import annotations

import builtins
import sys
from importlib import import_module
from threading import Lock
from types import ModuleType

# The type checker's own block: `typing` takes time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# One block at a time replaces ``__import__``.
_LOCK = Lock()


class lazy_imports:  # noqa: N801 - it is used as a function
    """Delay the imports of other modules in a ``with`` block of the module with that name.

    Raises ImportError for ``import a.b`` without ``as``, which would bind ``a`` alone.
    """

    def __init__(self, module: str) -> None:
        self._names = vars(sys.modules[module])

    def __enter__(self) -> None:
        _LOCK.acquire()
        self._import = builtins.__import__
        builtins.__import__ = self._record

    def __exit__(self, *_exception: object) -> None:
        builtins.__import__ = self._import
        _LOCK.release()
        statements = {
            name: value for name, value in self._names.items() if isinstance(value, _Statement)
        }
        self._bind(statements)

    def _bind(self, statements: Mapping[str, _Statement]) -> None:
        self._names.update((name, value.module()) for name, value in statements.items())

    def _record(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as in `__import__`
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """Record a statement of the block; other threads import as usual."""
        if globals is not self._names:
            return self._import(name, globals, locals, fromlist or (), level)
        return _Statement(name, name if fromlist else name.partition(".")[0])


class lazy_exports(lazy_imports):  # noqa: N801 - it is used as a function
    """Make the names of a ``with`` block the public names of the package with that name.

    ``__all__`` lists them, and they are looked up when they are read (PEP 562). So are the other
    modules of the package, unless their names begin with an underscore.
    """

    def _bind(self, statements: Mapping[str, _Statement]) -> None:
        names = self._names
        for name in statements:
            del names[name]

        def look_up(name: str) -> object:
            package = names["__name__"]
            value = (
                _import_from(statements[name].name, name, package)
                if name in statements
                else _import_module(package, name)
            )
            names[name] = value
            return value

        names["__all__"] = sorted(statements)
        names["__getattr__"] = look_up
        names["__dir__"] = lambda: sorted({*names, *statements})


class _Statement:
    """An import statement, and the dotted path that it has bound so far."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def __getattr__(self, attribute: str) -> _Statement:
        return _Statement(self.name, f"{self.path}.{attribute}")

    def module(self) -> ModuleType:
        if not self.path.startswith(self.name):
            raise ImportError(f"a lazy import of {self.name} needs `as`")
        return _LazyModule(self.path)


class _LazyModule(ModuleType):
    """A module that is imported when one of its attributes is first read."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


def _import_module(package: str, name: str) -> ModuleType:
    """Import a module of a package, which programs expect after ``import package`` alone."""
    path = f"{package}.{name}"
    try:
        if not name.startswith("_"):
            return import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def _import_from(source: str, name: str, importer: str) -> Any:
    """Import a name as ``from source import name`` does: an attribute, or a module of a package."""
    module = import_module(source)
    # A package that lists a module of its own would look the name up in its own list again.
    if source == importer or (hasattr(module, "__path__") and not hasattr(module, name)):
        return import_module(f"{source}.{name}")
    return getattr(module, name)
