"""Check that the tests catch known mutations: ``python -m tests.mutants [NAME…] [--pytest WORDS]``.

Each mutant replaces one string in a copy of the tree and runs the tests that need neither Go nor
a daemon. The exit status is 1 if a mutant survives, if its string does not occur exactly once, or
if the tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
SELECTION = ("-m", "not e2e and not go", "tests/unit")
_IGNORED = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "dist", "out")
# A mutant may run forever; on a busy machine the tests take minutes.
_SECONDS = 900


@frozen
class Mutant:
    """A replacement of one string in a module; ``first`` are the tests to run first."""

    name: str
    module: str
    first: str
    old: str
    new: str


# fmt: off
MUTANTS = (
    Mutant("a variable set again keeps its place", "llb.ops.env", "tests/unit/ops",
           "            items.pop(key, None)\n            if value is not None:",
           "            if value is None:\n                items.pop(key, None)\n            else:"),
    Mutant("no capability for ssh agents", "llb.wire.exec", "tests/unit/wire",
           '    caps.append("exec.mount.ssh")', "    pass"),
    Mutant("the first invalid image instead of the last", "llb.dockerfile.stages.bases",
           "tests/unit/dockerfile/stages",
           "raise self._bad_images[-1]", "raise self._bad_images[0]"),
    Mutant("a frame on the next stream of one's own", "llb.grpc.http2.connection", "tests/unit/grpc",
           "if stream_id >= self._next_id if ours", "if stream_id > self._next_id if ours"),
    Mutant("--no-cache marks sources too", "llb.frontend.authoring.target_builder", "tests/unit/frontend/authoring",
           ' if vertex.kind != "source"}', "}"),
    Mutant("ADD_IDENTITY reaches an ssh agent", "llb.client.session.providers.ssh",
           "tests/unit/client/session",
           "not in (_REQUEST_IDENTITIES, _SIGN_REQUEST)",
           "not in (_REQUEST_IDENTITIES, _SIGN_REQUEST, 17)"),
    Mutant("more lines around several of a warning", "llb.frontend.subrequests.lint",
           "tests/unit/frontend/subrequests", "_CONTEXT_OF_MANY = 2", "_CONTEXT_OF_MANY = 3"),
    Mutant("callers of installed packages are kept", "llb.source_map", "tests/unit/test_source_map.py",
           "if _kind(code.co_filename) is _OWN:", "if _kind(code.co_filename) is not _HIDDEN:"),
    Mutant("tar= reaches the BuildKit inside Docker", "llb.client.export.exporters",
           "tests/unit/client/export",
           'for key in self.attrs if key != "tar"}', "for key in self.attrs}"),
    Mutant("keys of workers have one case", "llb.gateway.request", "tests/unit/gateway",
           "if key.lower() == name", "if key == name"),
)
# fmt: on


def main(arguments: list[str]) -> int:
    """Run the mutants, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of the mutants' names")
    parser.add_argument("--pytest", metavar="WORDS", help="other tests, as arguments of pytest")
    options = parser.parse_args(arguments)
    selection = shlex.split(options.pytest) if options.pytest else list(SELECTION)
    names = options.names or [""]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_IGNORED))
        failed = not _passes(tree, selection)
        sys.stdout.write(f"{'failed' if failed else 'passed':<9} the tests of the tree as it is\n")
        for mutant in MUTANTS:
            if any(name in mutant.name for name in names):
                outcome = _outcome(mutant, tree, selection)
                sys.stdout.write(f"{outcome:<9} {mutant.module:<27} {mutant.name}\n")
                sys.stdout.flush()
                failed |= outcome != "caught"
    return int(failed)


def _outcome(mutant: Mutant, tree: Path, selection: list[str]) -> str:
    """Run a mutant: ``caught``, ``survived``, or ``lost`` if its string does not occur once."""
    path = tree.joinpath(*mutant.module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    source = file.read_text() if file.is_file() else ""
    if source.count(mutant.old) != 1:
        return "lost"
    file.write_text(source.replace(mutant.old, mutant.new))
    try:
        survived = _passes(tree, [mutant.first]) and _passes(tree, selection)
        return "survived" if survived else "caught"
    finally:
        file.write_text(source)


def _passes(tree: Path, selection: list[str]) -> bool:
    """Check whether tests pass in a tree, whose modules precede those of the checkout."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *selection]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        process = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    # Exit statuses above 1 mean that no test ran, so nothing was caught.
    if process.returncode > 1:
        raise SystemExit(f"the tests did not run:\n{process.stdout.decode()[-2000:]}")
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
