"""Find the parameters of public functions that are paths on this machine.

An annotation names ``Path`` or ``PathLike``, or an alias that does. Paths in a tree, which the daemon
looks at, have the aliases ``StrPath`` and ``TreePath``.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tests.checkout import ROOT
from tests.property.public_functions import public_functions

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = ("Path", "PathLike")
IN_TREES = ("StrPath", "TreePath")
_WORD = re.compile(r"[A-Za-z_][\w.]*")


def path_parameters() -> list[str]:
    """List them as ``FUNCTION.PARAMETER``; a class stands for its constructor."""
    return [
        f"{function.name}.{parameter.name}"
        for function in public_functions()
        for parameter in function.parameters
        if names_path(str(parameter.annotation), function.function.__module__)
    ]


def names_path(annotation: str, module: str) -> bool:
    """Check whether an annotation in a module names a path, itself or by its aliases."""
    words = [word.removeprefix("os.") for word in _WORD.findall(annotation)]
    return any(
        word in PATHS or any(names_path(text, other) for text, other in _aliases(word, module))
        for word in words
        if word not in IN_TREES
    )


def _aliases(word: str, module: str) -> Iterator[tuple[str, str]]:
    """Yield the definitions of an alias, each with its module."""
    definitions, imports = _names(module)
    if word in definitions:
        yield definitions[word], module
    elif word in imports:
        origin, name = imports[word]
        if name in _names(origin)[0]:
            yield _names(origin)[0][name], origin
    else:
        # Annotations of converters are in signatures of modules that do not import their types.
        for other in _modules():
            if word in _names(other)[0]:
                yield _names(other)[0][word], other


@cache
def _names(module: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Read the aliases that a module defines, and the names that it imports from this package."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    definitions: dict[str, str] = {}
    imports: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        match node:
            case ast.ImportFrom(module=str(origin), names=names) if origin.startswith("llb"):
                imports |= {name.asname or name.name: (origin, name.name) for name in names}
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias"), value=value
            ) if value is not None:
                definitions[name] = ast.unparse(value)
    return definitions, imports


@cache
def _modules() -> tuple[str, ...]:
    files = sorted((ROOT / "llb").rglob("*.py"))
    names = [file.relative_to(ROOT).with_suffix("").parts for file in files]
    return tuple(".".join(parts) for parts in names if parts[1] != "_pb")
