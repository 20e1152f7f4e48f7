"""Tell build files from scripts, without running them."""

from __future__ import annotations

import ast
import re

_MODULE = "llb.buildfile"
_MARK = "target"
_MAIN = "main"
_SYNTAX = re.compile(r"\s*#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_STATEMENT = re.compile(r"(import|from|def|async|class)\b|@")


def is_build_file(data: bytes) -> bool:
    """Check whether a Python file is a build file, and not a script that prints a definition.

    A build file marks a function with ``@target``, or imports :mod:`llb.buildfile` and does not
    call :func:`llb.main`. A file that is not valid Python is a build file if it contains the
    name of that module.
    """
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return _MODULE.encode() in data
    names = _names_of_module(tree)
    if not names:
        return False
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return any(_is_target(function, names) for function in functions) or not _calls_main(tree)


def misplaced_syntax(data: bytes) -> tuple[int, str] | None:
    """Find a syntax line that names no frontend, because it is not among the first lines.

    Returns its line number and the image, or None.
    """
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    for number, line in enumerate(text.splitlines(), 1):
        if match := _SYNTAX.match(line):
            return number, match[1]
        if _STATEMENT.match(line):
            return None
    return None


def _names_of_module(tree: ast.Module) -> dict[str, str]:
    """Map the names that a file has from the module to their own names there."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if _is_of_module(module):
                names.update({item.asname or item.name: item.name for item in node.names})
            case ast.ImportFrom(module="llb", level=0):
                modules = [item for item in node.names if item.name == "buildfile"]
                names.update({item.asname or item.name: "" for item in modules})
            case ast.Import():
                modules = [item for item in node.names if _is_of_module(item.name)]
                names.update({item.asname or item.name: "" for item in modules})
    return names


def _is_of_module(name: str) -> bool:
    return name == _MODULE or name.startswith(f"{_MODULE}.")


def _is_target(function: ast.FunctionDef, names: dict[str, str]) -> bool:
    """Check whether a decorator of a function is the module's ``target``."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        module, _, name = ast.unparse(called).rpartition(".")
        if module:
            is_mark = name == _MARK and names.get(module) == ""
        else:
            is_mark = names.get(name) == _MARK or (name == _MARK and "*" in names)
        if is_mark:
            return True
    return False


def _calls_main(tree: ast.Module) -> bool:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(ast.unparse(call.func).rpartition(".")[2] == _MAIN for call in calls)
