"""Every public function that takes a path of this machine has one error for paths that it cannot use.

The functions are found by their annotations, so a new one needs a call before this test passes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TypeAlias

import pytest

from tests.checkout import ROOT
from tests.property.path_calls import SPECS, TEXTS
from tests.property.path_parameters import names_path, path_parameters

# The parameter, the kind of path, the path, the classes of the exception, and its text.
Outcome: TypeAlias = tuple[str, str, str, list[str], str]

# Root may read everything with these.
CAPABILITIES = "-dac_override,-dac_read_search"
# Path("") is the working directory.
TAKES_NO_STRING = ("FakeGateway", "run_frontend")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    folder = tmp_path_factory.mktemp("paths")
    command = [sys.executable, "-m", "tests.property.path_calls", str(folder)]
    if os.geteuid() == 0:
        without = (f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}")
        command = [shutil.which("setpriv") or "setpriv", *without, *command]
    environment = os.environ | {"DOCKER_CONFIG": str(folder / "no-config")}
    process = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    (folder / "locked").chmod(0o700)
    assert process.returncode == 0, process.stderr[-2000:]
    return [tuple(json.loads(line)) for line in process.stdout.splitlines()]


def test_every_parameter_is_called(outcomes: list[Outcome]) -> None:
    called = {name for name, *_ in outcomes}
    found = {name for name in path_parameters() if name.rpartition(".")[2] not in TEXTS}
    assert len(found) > 90
    assert found - called == set()
    assert {name.rpartition(".")[2] for name in called} >= set(SPECS)


def test_a_path_that_cannot_be_used_is_an_error_that_names_it(outcomes: list[Outcome]) -> None:
    assert len(outcomes) > 1200
    for name, kind, path, classes, text in outcomes:
        shown = f"{name}, {kind}: {classes[:1]} {text}"
        assert repr(path)[1:-1] in text, shown
        if name.endswith(".cache_from"):
            # A cache is not worth the failure of a build.
            assert "LLBError" in classes or "no cache imported from" in text, shown
        elif kind != "empty" or not name.startswith(TAKES_NO_STRING):
            assert "LLBError" in classes, shown


@pytest.mark.parametrize(
    ("annotation", "module", "is_path"),
    [
        ("str | os.PathLike[str]", "llb.definition.definition", True),
        ("Mapping[str, Path]", "llb.frontend.kit.packing", True),
        ("StrPath", "llb.state.state", False),
        ("TreePath", "llb.client.client", False),
        # The same name means different things.
        ("Mapping[str, Secret]", "llb.client.options", True),
        ("Iterable[ops.Secret]", "llb.state.mounts", False),
        ("Content", "llb.client.session.uploads", True),
        ("Mapping[str, Content]", "llb.sources.inline_files", False),
    ],
)
def test_paths_are_found_in_annotations(annotation: str, module: str, is_path: bool) -> None:
    assert names_path(annotation, module) is is_path
