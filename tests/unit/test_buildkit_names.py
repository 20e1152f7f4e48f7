"""Names that BuildKit defines are written in a single module."""

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
    """Collect the string constants of a module, including the constant parts of f-strings."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_module_repeats_the_names() -> None:
    files = [path for folder in ("llb", "frontend") for path in (ROOT / folder).rglob("*.py")]
    other_files = [path for path in files if path != Path(buildkit_names.__file__)]
    assert {str(path): strings(path) & ONCE for path in other_files if strings(path) & ONCE} == {}


def test_the_proxy_names_are_those_of_a_process() -> None:
    assert tuple(attribute.name for attribute in fields(ProxyEnv)) == buildkit_names.PROXY_NAMES
