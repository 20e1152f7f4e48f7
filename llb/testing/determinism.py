"""Check that a build is deterministic, in one process and under any hash seed."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

from llb import Definition, dump
from llb.arguments.checked import checked
from llb.child_processes import environment, python
from llb.compare import compare
from llb.compare import render as differences
from llb.errors import InvalidValueError
from llb.testing.definitions import Build, to_definition, without_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

_SEEDS = (0, 1, 2, 3)
_TIMEOUT = 120.0
_RUN = "from llb.testing.determinism import _print_definition; _print_definition()"


@checked
def assert_deterministic(
    factory: Callable[[], Build], *, times: int = 10, seeds: Iterable[int] = _SEEDS
) -> None:
    """Assert that a function always returns the same build, byte for byte.

    The function is called ``times`` times in this process, and once in another process for
    each of the ``seeds``, with ``PYTHONHASHSEED`` set. Raises AssertionError with the
    difference and the line of the first step that differs. Raises InvalidValueError if
    another process cannot import the function, such as a lambda or a nested function.
    """
    module, name = _qualified_name(factory)
    local = [to_definition(factory()) for _ in range(times)]
    for definition in local[1:]:
        _check(name, local[0], definition, "when it is called again")
    remote = [(seed, _run_elsewhere(module, name, seed)) for seed in seeds]
    for seed, definition in remote:
        _check(name, remote[0][1], definition, f"with PYTHONHASHSEED={seed}, not {remote[0][0]}")
        if local:
            _check(name, local[0], definition, f"in another process, with PYTHONHASHSEED={seed}")


def _qualified_name(factory: Callable[[], Build]) -> tuple[str, str]:
    """Look up the module of a function and its name there. Raises InvalidValueError."""
    module = getattr(factory, "__module__", None)
    name = getattr(factory, "__qualname__", "")
    value: object = sys.modules.get(module or "")
    for part in name.split("."):
        value = getattr(value, part, None)
    if module is None or value != factory:
        raise InvalidValueError(
            f"cannot call {name or factory!r} in another process",
            hint="pass a function defined in a module, not a lambda or a nested function",
        )
    return module, name


def _check(name: str, old: Definition, new: Definition, when: str) -> None:
    plain_old, plain_new = without_lines(old), without_lines(new)
    if plain_old == plain_new:
        return
    comparison = compare(old, new)
    differing = [
        *(cause.at for cause in comparison.root_causes()),
        *(change.new for change in comparison.changed),
        *(new for _, new in comparison.marked),
    ]
    first = f", first at {differing[0]}" if differing else ""
    before, then = (dump.text(definition).splitlines() for definition in (plain_old, plain_new))
    message = [
        f"{name}() returns a different build {when}{first}",
        *difflib.unified_diff(before, then, "before", "then", lineterm="", n=2),
        "",
        *([] if comparison.equal else differences(comparison).splitlines()),
    ]
    raise AssertionError("\n".join(message).rstrip())


def _run_elsewhere(module: str, name: str, seed: int) -> Definition:
    """Call the function in another process and load its definition."""
    file = getattr(sys.modules[module], "__file__", None) or ""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    process = subprocess.run(
        python("-c", _RUN, module, file, name),
        env=environment({"PYTHONHASHSEED": str(seed), "PYTHONPATH": path}),
        capture_output=True,
        check=False,
        timeout=_TIMEOUT,
    )
    if process.returncode:
        output = process.stderr.decode(errors="replace")
        raise AssertionError(f"{name}() failed in another process:\n{output}")
    return Definition.from_bytes(process.stdout)


def _print_definition() -> None:
    """Call the function named on the command line and print its definition.

    This is the entry point of the other process.
    """
    module, file, name = sys.argv[1:]
    # Output of the function must not mix with the definition.
    output, sys.stdout = sys.stdout.buffer, sys.stderr
    value: object = _load(module, file)
    for part in name.split("."):
        value = getattr(value, part)
    assert callable(value)
    output.write(to_definition(value()).to_bytes())


def _load(name: str, file: str) -> ModuleType:
    """Import a module by its name, or from its file if only the test run knows the name."""
    try:
        imported = import_module(name)
        if getattr(imported, "__file__", None) == file:
            return imported
    except ImportError:
        pass
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
