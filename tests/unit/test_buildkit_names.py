"""Names that BuildKit defines are written in one module."""

from __future__ import annotations

import ast
from pathlib import Path

from attrs import fields

from llb import buildkit_names
from llb.ops.nodes import ProxyEnv

ROOT = Path(buildkit_names.__file__).parents[1]
ONCE = {
    value
    for key, value in vars(buildkit_names).items()
    if key.isupper() and isinstance(value, str) and not key.startswith("HTTP")
}


def strings(path: Path) -> set[str]:
    """Return the strings in a module, the fixed parts of f-strings included."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_module_writes_them() -> None:
    files = [path for folder in ("llb", "frontend") for path in (ROOT / folder).rglob("*.py")]
    others = [path for path in files if path != Path(buildkit_names.__file__)]
    assert {str(path): strings(path) & ONCE for path in others if strings(path) & ONCE} == {}


def test_the_proxies_are_those_of_a_process() -> None:
    assert tuple(each.name for each in fields(ProxyEnv)) == buildkit_names.PROXY_NAMES
