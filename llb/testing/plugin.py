"""The pytest plugin: fixtures, ``--update-golden``, and what became of goldens.

pytest loads it wherever this package is installed, so that it imports nothing that only a
fixture needs: the fakes take a tenth of a second.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.gateway import FakeGateway
    from llb.testing.golden import Golden, Goldens
    from llb.testing.images import FakeImages

_RUN = pytest.StashKey["_Run"]()


class _Run:
    """A run of tests, and what tells which goldens nobody uses: those of files that passed whole."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._goldens: Goldens | None = None
        self._tests: dict[Path, set[str]] = {}
        self._passed: set[str] = set()
        self._stale: list[Path] = []

    @property
    def goldens(self) -> Goldens:
        """The goldens of the run."""
        from llb.testing.golden import Goldens

        if self._goldens is None:
            self._goldens = Goldens(update=self._config.getoption("update_golden"))
        return self._goldens

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Take note of a test, which may be deselected later, and then never passes."""
        self._tests.setdefault(item.path, set()).add(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a test that passed."""
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Find the goldens that are not used, and remove them where they are updated."""
        goldens = self._goldens
        # Of a file that is named with a test, the other tests are not even collected.
        if goldens is None or any("::" in each for each in self._config.args):
            return
        from llb.testing.golden import remove

        whole = [path for path, tests in self._tests.items() if tests <= self._passed]
        self._stale = [each for path in whole for each in goldens.stale(path)]
        if goldens.update:
            for each in self._stale:
                remove(each)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what became of goldens."""
        goldens = self._goldens
        if goldens is None:
            return
        unused = "removed" if goldens.update else "unused"
        told = (("added", goldens.added), ("changed", goldens.changed), (unused, self._stale))
        lines = [f"{word} {self._shown(each)}" for word, paths in told for each in sorted(paths)]
        if lines:
            terminalreporter.section("goldens")
            for line in lines:
                terminalreporter.line(line)

    def _shown(self, path: Path) -> str:
        root = self._config.rootpath
        return str(path.relative_to(root) if path.is_relative_to(root) else path)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("llb", "builds for BuildKit").addoption(
        "--update-golden",
        action="store_true",
        help="write the goldens of builds anew, and remove those that no test uses",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run."""
    config.stash[_RUN] = run = _Run(config)
    config.pluginmanager.register(run, "llb-goldens")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a build, or a text, with what is checked in: ``golden(state)``."""
    from llb.testing.golden import Golden

    item = request.node
    test = item.name if item.cls is None else f"{item.cls.__qualname__}.{item.name}"
    return Golden(request.config.stash[_RUN].goldens, item.path, test, item.nodeid)


@pytest.fixture
def fake_images() -> FakeImages:
    """Images by reference, a ``resolver`` of :func:`llb.Image`: alpine, debian and others."""
    from llb.testing.images import FakeImages

    return FakeImages()


@pytest.fixture
def fake_gateway() -> Iterator[Callable[..., FakeGateway]]:
    """Make fake gateways, ``fake_gateway(files=…)``, which end with the test."""
    from llb.testing.gateway import FakeGateway

    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(FakeGateway(**options))


@pytest.fixture
def fake_daemon() -> Iterator[Callable[..., FakeDaemon]]:
    """Make fake daemons, ``fake_daemon(script=…)``, which end with the test.

    What their scripts raised, but for errors of builds, fails the test.
    """
    from llb.testing.daemon import FakeDaemon

    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(FakeDaemon(**options))
