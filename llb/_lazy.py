"""Names of a package that are imported when they are asked for (PEP 562).

A face that lists many names would import all of its package. Who uses one of them should wait for
its module alone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def lazy_names(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package; ``names`` are those of each module that has some."""
    modules = {name: module for module, listed in names.items() for name in listed}

    def lookup(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return lookup
