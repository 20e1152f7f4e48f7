"""The pytest plugin: fixtures, ``--update-golden``, and a summary of goldens.

pytest loads it in every project that has this package installed, and reads attributes of all its
names. So it imports nothing but a package that imports the module of a name when it is read.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from llb import testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


_RUN = pytest.StashKey["_Run"]()


class _Run:
    """A test run that finds unused goldens, in files whose tests all passed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._goldens: testing.golden.Goldens | None = None
        self._tests: dict[Path, set[str]] = {}
        self._passed: set[str] = set()
        self._stale: list[Path] = []

    @property
    def goldens(self) -> testing.golden.Goldens:
        """The goldens of the run."""
        if self._goldens is None:
            self._goldens = testing.golden.Goldens(update=self._config.getoption("update_golden"))
        return self._goldens

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Record a collected test; if it is deselected later, it never passes."""
        self._tests.setdefault(item.path, set()).add(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a passed test."""
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Find unused goldens, and remove them if goldens are updated."""
        goldens = self._goldens
        # If the command line names single tests, the other tests of the file are not collected.
        if goldens is None or any("::" in argument for argument in self._config.args):
            return

        passed_files = [path for path, tests in self._tests.items() if tests <= self._passed]
        self._stale = [golden for path in passed_files for golden in goldens.stale(path)]
        if goldens.update:
            for path in self._stale:
                testing.golden.remove(path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Report the added, changed and unused goldens."""
        goldens = self._goldens
        if goldens is None:
            return
        unused = "removed" if goldens.update else "unused"
        groups = (("added", goldens.added), ("changed", goldens.changed), (unused, self._stale))
        lines = [
            f"{word} {self._relative(path)}" for word, paths in groups for path in sorted(paths)
        ]
        if lines:
            terminalreporter.section("goldens")
            for line in lines:
                terminalreporter.line(line)

    def _relative(self, path: Path) -> str:
        root = self._config.rootpath
        return str(path.relative_to(root) if path.is_relative_to(root) else path)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.getgroup("llb", "builds for BuildKit").addoption(
        "--update-golden",
        action="store_true",
        help="update the goldens of builds, and remove unused ones",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of a test run."""
    config.stash[_RUN] = run = _Run(config)
    config.pluginmanager.register(run, "llb-goldens")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> testing.Golden:
    """Compare a build or a string with its golden file: ``golden(state)``."""
    item = request.node
    test = item.name if item.cls is None else f"{item.cls.__qualname__}.{item.name}"
    return testing.Golden(request.config.stash[_RUN].goldens, item.path, test, item.nodeid)


@pytest.fixture
def fake_images() -> testing.FakeImages:
    """Provide fake images for the ``resolver`` of :func:`llb.Image`: alpine, debian and others."""
    return testing.FakeImages()


@pytest.fixture
def fake_gateway() -> Iterator[Callable[..., testing.FakeGateway]]:
    """Create fake gateways, ``fake_gateway(files=…)``, which end with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(testing.FakeGateway(**options))


@pytest.fixture
def fake_daemon() -> Iterator[Callable[..., testing.FakeDaemon]]:
    """Create fake daemons, ``fake_daemon(script=…)``, which end with the test.

    An exception of a script fails the test, unless it is an error of the build.
    """
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(testing.FakeDaemon(**options))
