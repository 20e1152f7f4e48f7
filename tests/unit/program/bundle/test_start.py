"""The bundle of the frontend's image: written from an installation, used at the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
USE = """
import sys
from frontend.bundle.start import Bundle
bundle = Bundle({path!r})
compiled = []
builtin = compile
def counting(source, filename, *args, **more):
    compiled.extend([filename] if str(filename).startswith("<attrs") else [])
    return builtin(source, filename, *args, **more)
import builtins, frontend.bundle.start
frontend.bundle.start._compile = counting
bundle.install()
expressions = []
compile_pattern = bundle._compile_pattern
def counting_pattern(pattern, flags=0):
    expressions.append(pattern)
    return compile_pattern(pattern, flags)
bundle._compile_pattern = counting_pattern
"""


def run(code: str, folder: Path, *, seed: str = "0") -> str:
    """Run code in a new Python, with its byte code in ``folder``, and return its output."""
    env = {"PYTHONHASHSEED": seed, "PYTHONPYCACHEPREFIX": str(folder / "byte code")}
    completed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ} | env,
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout


def write(folder: Path, name: str) -> Path:
    path = folder / name
    run(
        f"from pathlib import Path; from frontend.bundle import __main__ as bundle; bundle.write(Path({str(path)!r}))",
        folder,
    )
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of this checkout."""
    return write(tmp_path_factory.mktemp("bundle"), "bundle")


def use(bundle: Path, code: str, *, seed: str = "0") -> str:
    return run(USE.format(path=str(bundle)) + code, bundle.parent, seed=seed)


def test_a_bundle_has_everything_that_a_build_imports_and_compiles(bundle: Path) -> None:
    code = """
before = set(sys.modules)
import frontend.__main__, llb.frontend.build, llb.definition.decode
loaded = [sys.modules[name] for name in sys.modules.keys() - before]
others = [module for module in loaded if getattr(module.__loader__, "path", "").endswith(".py")
          and type(module.__loader__).__module__ != "frontend.bundle.start"]
print(len(loaded) > 100, others, compiled, expressions)
"""
    assert use(bundle, code) == "True [] [] []\n"


def test_modules_of_a_bundle_have_their_source_file(bundle: Path) -> None:
    code = """
import inspect, traceback
import llb.reference, llb.dockerfile
print(llb.reference.__file__, llb.dockerfile.__path__)
print(inspect.getsource(llb.reference).startswith('\"\"\"'))
try:
    llb.Reference.parse("A")
except llb.errors.InvalidValueError as error:
    print(traceback.extract_tb(error.__traceback__)[-1].line.partition("(")[0])
"""
    reference, folder = ROOT / "llb" / "reference.py", ROOT / "llb" / "dockerfile"
    assert use(bundle, code) == f"{reference} ['{folder}']\nTrue\nraise InvalidValueError\n"


def test_expressions_of_a_bundle_equal_those_of_re(bundle: Path) -> None:
    code = """
tables = [bundle.compile_pattern(*key) == bundle._compile_pattern(*key) for key in bundle._patterns]
print(len(tables) > 50, all(tables))
"""
    assert use(bundle, code) == "True True\n"


def test_methods_are_compiled_again_for_another_hash_seed(bundle: Path) -> None:
    code = """
import llb
print(bool(compiled), hash(llb.Platform("linux", "amd64")) == hash(llb.Platform("linux", "amd64")))
"""
    assert use(bundle, code, seed="1") == "True True\n"


def test_a_bundle_is_reproducible(bundle: Path) -> None:
    assert write(bundle.parent, "again").read_bytes() == bundle.read_bytes()


def test_a_start_needs_no_bundle() -> None:
    code = "from frontend.bundle.start import main; main()"
    completed = subprocess.run(
        [sys.executable, "-c", code, "--labs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (
        2,
        "error: expected no arguments, got --labs\n",
    )
