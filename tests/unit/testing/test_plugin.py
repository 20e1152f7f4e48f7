"""The plugin is there wherever the package is, and costs those who do not use it next to nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

# pytester forgets what the runs of a test imported, and protobuf cannot be imported twice.
import llb.testing.daemon  # noqa: F401
from llb.testing import plugin

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

HEAVY = {"google.protobuf", "hpack", "llb.client", "llb.gateway", "llb.compare", "llb.dump"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_pytest_finds_it_by_itself() -> None:
    (found,) = entry_points(group="pytest11", name="llb")
    assert found.load() is plugin


def test_loading_it_loads_nothing_that_only_fixtures_need() -> None:
    loaded = loaded_by("import llb.testing.plugin")
    assert loaded.isdisjoint(HEAVY)
    assert not [
        each for each in loaded if each.startswith("llb.testing.") and each != plugin.__name__
    ]


def test_the_library_loads_neither_it_nor_pytest() -> None:
    loaded = loaded_by("import llb, llb.client, llb.gateway, llb.frontend.build")
    assert loaded.isdisjoint({"pytest", "llb.testing"})


def test_a_run_without_goldens_says_nothing_of_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("=* goldens =*")


def test_its_fixtures_and_option_are_told(pytester: pytest.Pytester) -> None:
    told = pytester.runpytest("--fixtures", "-p", "no:cacheprovider").stdout.str()
    for name in ("golden", "fake_daemon", "fake_gateway", "fake_images"):
        assert f"\n{name} -- " in told
    assert "--update-golden" in pytester.runpytest("--help").stdout.str()


def test_what_a_script_raises_fails_the_test_that_made_the_daemon(
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

        made = []

        def test_one(fake_daemon, fake_gateway):
            made.append(Path(fake_daemon().address.removeprefix("unix://")))
            fake_gateway(files={"a": "1"}).connect()
            assert made[0].is_socket()

        def test_two():
            assert not made[0].exists()
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(60)
                    assert not thread.is_alive()
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)
