"""pytest finds the plugin, and loading it is cheap for projects that do not use it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

# pytester unloads the modules that its runs imported, and protobuf cannot be imported twice.
import llb.testing.daemon  # noqa: F401
from llb.testing import plugin

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

LOADED = {"llb", "llb._lazy", "llb.safe_path", "llb.testing", "llb.testing.plugin"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


def test_pytest_finds_the_plugin() -> None:
    (entry_point,) = entry_points(group="pytest11", name="llb")
    assert entry_point.load() is plugin


def test_a_run_of_other_tests_loads_the_plugin_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            print("loaded", *sys.modules)
        """
    )
    command = (sys.executable, "-m", "pytest", "-s")
    lines = pytester.run(*command).outlines
    (loaded,) = (line.split()[1:] for line in lines if "loaded " in line)
    assert {name for name in loaded if name.partition(".")[0] == "llb"} == LOADED


def test_the_library_loads_neither_the_plugin_nor_pytest() -> None:
    loaded = loaded_by("import llb, llb.client, llb.gateway, llb.frontend.build")
    assert loaded.isdisjoint({"pytest", "llb.testing"})


def test_a_run_without_goldens_has_no_summary_of_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("=* goldens =*")


def test_pytest_lists_the_fixtures_and_the_option(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest("--fixtures", "-p", "no:cacheprovider").stdout.str()
    for name in ("golden", "fake_daemon", "fake_gateway", "fake_images"):
        assert f"\n{name} -- " in fixtures
    assert "--update-golden" in pytester.runpytest("--help").stdout.str()


def test_an_exception_of_a_script_fails_the_test_that_created_the_daemon(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        from llb import Image
        from llb.client import Client

        def test_it(fake_daemon):
            def script(build):
                assert build.frontend == "other"

            try:
                with Client(fake_daemon(script=script).address) as client:
                    client.solve(Image("alpine"))
            except Exception:
                pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *assert '' == 'other'"])


def test_fakes_end_with_their_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pathlib import Path
        import threading

        paths = []

        def test_one(fake_daemon, fake_gateway):
            paths.append(Path(fake_daemon().address.removeprefix("unix://")))
            fake_gateway(files={"a": "1"}).connect()
            assert paths[0].is_socket()

        def test_two():
            assert not paths[0].exists()
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(60)
                    assert not thread.is_alive()
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)
