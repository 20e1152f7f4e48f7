"""Show ``llb`` a Python of another system: modules without the names that are missing there.

Only the code of ``llb`` sees it. The standard library, pytest and the tests go on with the Python of
Linux, so what they need still works. ``llb`` must be imported after :func:`install`.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any, SupportsIndex

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_SHOWN_TO = ("llb",)


@frozen
class System:
    """A system: the names that its modules lack, other values of names, and its own modules.

    ``absent`` are whole modules. A function among ``others`` replaces that of Linux.
    """

    absent: Collection[str] = ()
    missing: Mapping[str, Collection[str]] = field(factory=dict)
    others: Mapping[str, Mapping[str, object]] = field(factory=dict)
    own: Mapping[str, ModuleType] = field(factory=dict)


class View(ModuleType):
    """A module of Linux as code on another system sees it."""

    def __init__(
        self, module: ModuleType, missing: Collection[str], others: Mapping[str, object]
    ) -> None:
        super().__init__(module.__name__)
        object.__setattr__(self, "_state", (module, frozenset(missing), others))

    def __getattribute__(self, name: str) -> Any:
        module, missing, others = object.__getattribute__(self, "_state")
        if name in others:
            return others[name]
        if name in missing:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}", name=name)
        return getattr(module, name)

    def __setattr__(self, name: str, value: object) -> None:
        module, _, _ = object.__getattribute__(self, "_state")
        setattr(module, name, value)


def install(system: System) -> None:
    """Show this process's ``llb`` another system. It stays installed until the process ends."""
    loaded = [name for name in sys.modules if name.partition(".")[0] in _SHOWN_TO]
    assert not loaded, f"imported too early: {loaded}"
    sys.meta_path = _Finders((_Finder(_Importer(system)), *sys.meta_path))


class _Importer:
    """Imports modules as on the other system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._views: dict[str, ModuleType] = dict(system.own)
        self._import_module_view = View(importlib, (), {"import_module": self.import_module})

    def __call__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as in `__import__`
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if name in self._system.own:
            return self._system.own[name]
        self._check(name)
        # A block of `lazy_imports` replaces the function meanwhile, and gets other objects.
        module: object = builtins.__import__(name, globals, locals, fromlist or (), level)
        return self._view(module) if isinstance(module, ModuleType) else module

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        if name in self._system.own:
            return self._system.own[name]
        self._check(name)
        return self._view(importlib.import_module(name, package))

    def _check(self, name: str) -> None:
        if name in self._system.absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def _view(self, module: ModuleType) -> ModuleType:
        name = module.__name__
        if name == "importlib":
            return self._import_module_view
        missing, others = self._system.missing.get(name), self._system.others.get(name)
        if missing is None and others is None:
            return module
        return self._views.setdefault(name, View(module, missing or (), others or {}))


class _Finders(list[Any]):
    """The finders of a process, of which ours stays the first: pytest inserts one, too."""

    def insert(self, index: SupportsIndex, finder: Any) -> None:
        super().insert(max(int(index), 1), finder)


class _Finder(MetaPathFinder):
    def __init__(self, importer: _Importer) -> None:
        self._importer = importer

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in _SHOWN_TO:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self._importer)
        return spec


class _Loader(SourceFileLoader):
    """Runs a module with the imports of the other system."""

    def __init__(self, name: str, path: str, importer: _Importer) -> None:
        super().__init__(name, path)
        self._importer = importer

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._importer}
        super().exec_module(module)
