"""Test builds and frontends with goldens, graph assertions and fakes (docs/testing.md).

pytest finds the plugin :mod:`llb.testing.plugin` wherever this package is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_names

if TYPE_CHECKING:
    from llb.testing.daemon import FakeDaemon
    from llb.testing.determinism import assert_deterministic
    from llb.testing.failures import Failed
    from llb.testing.fake_buildkit.builds import FakeBuild
    from llb.testing.gateway import FakeGateway, Outcome, run_frontend
    from llb.testing.golden import Golden
    from llb.testing.graphs import (
        Step,
        assert_before,
        assert_independent,
        assert_runs,
        assert_same,
        step,
        steps,
    )
    from llb.testing.images import FakeImage, FakeImages

__all__ = [
    "Failed",
    "FakeBuild",
    "FakeDaemon",
    "FakeGateway",
    "FakeImage",
    "FakeImages",
    "Golden",
    "Outcome",
    "Step",
    "assert_before",
    "assert_deterministic",
    "assert_independent",
    "assert_runs",
    "assert_same",
    "run_frontend",
    "step",
    "steps",
]

if not TYPE_CHECKING:
    # Type checkers would take any name for one of the package.
    __getattr__ = lazy_names(
        __name__,
        # pytest loads the plugin in every project, and must not load the fakes with it.
        {
            "llb.testing.daemon": ("FakeDaemon",),
            "llb.testing.determinism": ("assert_deterministic",),
            "llb.testing.failures": ("Failed",),
            "llb.testing.fake_buildkit.builds": ("FakeBuild",),
            "llb.testing.gateway": ("FakeGateway", "Outcome", "run_frontend"),
            "llb.testing.golden": ("Golden",),
            "llb.testing.graphs": (
                "Step",
                "assert_before",
                "assert_independent",
                "assert_runs",
                "assert_same",
                "step",
                "steps",
            ),
            "llb.testing.images": ("FakeImage", "FakeImages"),
        },
    )
