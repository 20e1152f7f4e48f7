"""Whether a build is the same every time: in one process, and under any hash seed."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

from llb import Definition, dump
from llb.child_processes import environment, python
from llb.compare import compare
from llb.compare import render as differences
from llb.errors import InvalidValueError
from llb.testing.definitions import Build, to_definition, without_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

_SEEDS = (0, 1, 2, 3)
_SECONDS = 120.0
_RUN = "from llb.testing.determinism import _answer; _answer()"


def assert_deterministic(
    factory: Callable[[], Build], *, times: int = 10, seeds: Iterable[int] = _SEEDS
) -> None:
    """Assert that a function gives the same build, byte for byte, however often it is called.

    It is called ``times`` times in this process, and once in a process of its own for each of
    the ``seeds``, with ``PYTHONHASHSEED`` set. Raises AssertionError with the difference and
    the line of the first step that differs, and InvalidValueError for a function that another
    process cannot find: it has to be one of a module, not a lambda nor one within another.
    """
    module, name = _named(factory)
    here = [to_definition(factory()) for _ in range(times)]
    for each in here[1:]:
        _check(name, here[0], each, "when it is called again")
    found = [(seed, _elsewhere(module, name, seed)) for seed in seeds]
    for seed, each in found:
        _check(name, found[0][1], each, f"with PYTHONHASHSEED={seed}, not {found[0][0]}")
        if here:
            _check(name, here[0], each, f"in another process, with PYTHONHASHSEED={seed}")


def _named(factory: Callable[[], Build]) -> tuple[str, str]:
    """Return the module of a function, and the function's name in it."""
    module = getattr(factory, "__module__", None)
    name = getattr(factory, "__qualname__", "")
    found: object = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if module is None or found != factory:
        raise InvalidValueError(
            f"cannot call {name or factory!r} in another process",
            hint="give a function that is defined in a module, neither a lambda nor a nested one",
        )
    return module, name


def _check(name: str, old: Definition, new: Definition, when: str) -> None:
    plain_old, plain_new = without_lines(old), without_lines(new)
    if plain_old == plain_new:
        return
    found = compare(old, new)
    differing = [
        *(each.at for each in found.root_causes()),
        *(each.new for each in found.changed),
        *(new for _, new in found.marked),
    ]
    first = f", first at {differing[0]}" if differing else ""
    before, then = (dump.text(each).splitlines() for each in (plain_old, plain_new))
    told = [
        f"{name}() gives another build {when}{first}",
        *difflib.unified_diff(before, then, "before", "then", lineterm="", n=2),
        "",
        *([] if found.equal else differences(found).splitlines()),
    ]
    raise AssertionError("\n".join(told).rstrip())


def _elsewhere(module: str, name: str, seed: int) -> Definition:
    """Return what the function gives in another process."""
    file = getattr(sys.modules[module], "__file__", None) or ""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    done = subprocess.run(
        python("-c", _RUN, module, file, name),
        env=environment({"PYTHONHASHSEED": str(seed), "PYTHONPATH": path}),
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode:
        told = done.stderr.decode(errors="replace")
        raise AssertionError(f"{name}() failed in another process:\n{told}")
    return Definition.from_bytes(done.stdout)


def _answer() -> None:
    """Write the definition that the named function gives, in a process of its own."""
    module, file, name = sys.argv[1:]
    # What the function prints is not part of the definition.
    output, sys.stdout = sys.stdout.buffer, sys.stderr
    found: object = _load(module, file)
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
    output.write(to_definition(found()).to_bytes())


def _load(name: str, file: str) -> ModuleType:
    """Return a module by its name, or from its file where the name is that of a test run alone."""
    try:
        found = import_module(name)
        if getattr(found, "__file__", None) == file:
            return found
    except ImportError:
        pass
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
