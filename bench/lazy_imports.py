"""What each lazy import of ``llb`` saves: ``python -m bench.lazy_imports [MODULE...]``.

For every import statement in a ``with lazy_imports(...)`` block of a module, a fresh Python imports
the module, then what the statement delays. The second import is timed: milliseconds of processor
time, the median of several runs. An import that saves nothing is not worth delaying.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
RUNS = 7
_TIMED = """
import sys, time
from importlib import import_module
import_module(sys.argv[1])
start = time.process_time()
import_module(sys.argv[2])
print((time.process_time() - start) * 1000)
"""


def main() -> None:
    """Print a line for each lazy import, those that save most first."""
    chosen = set(sys.argv[1:])
    delays = [delay for delay in _delays() if not chosen or delay[0] in chosen]
    rows = sorted(((_saved(*delay), *delay) for delay in delays), reverse=True)
    for saved, module, target in rows:
        print(f"{saved:7.1f}  {module:45} {target}")


def _saved(module: str, target: str) -> float:
    """Time the import of the target after that of the module, in milliseconds."""
    command = [sys.executable, "-c", _TIMED, module, target]
    runs = [subprocess.run(command, check=True, cwd=ROOT, capture_output=True) for _ in range(RUNS)]
    return statistics.median(float(run.stdout) for run in runs)


def _delays() -> Iterator[tuple[str, str]]:
    """Yield each module with each target of its lazy imports; packages import for their users."""
    for path in sorted(ROOT.glob("llb/**/*.py")):
        if path.name == "__init__.py":
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.With) and "lazy_imports" in ast.unparse(node.items[0]):
                yield from ((module, target) for target in _targets(node))


def _targets(block: ast.With) -> Iterator[str]:
    for statement in block.body:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(package), names=names):
                yield from (f"{package}.{alias.name}" for alias in names)


if __name__ == "__main__":
    main()
