"""Test builds and frontends with goldens, graph assertions and fakes (docs/testing.md).

pytest finds the plugin :mod:`llb.testing.plugin` wherever this package is installed.
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.testing.daemon import FakeDaemon as FakeDaemon
    from llb.testing.determinism import assert_deterministic as assert_deterministic
    from llb.testing.failures import Failed as Failed
    from llb.testing.fake_buildkit.builds import FakeBuild as FakeBuild
    from llb.testing.gateway import FakeGateway as FakeGateway
    from llb.testing.gateway import Outcome as Outcome
    from llb.testing.gateway import run_frontend as run_frontend
    from llb.testing.golden import Golden as Golden
    from llb.testing.graphs import Step as Step
    from llb.testing.graphs import assert_before as assert_before
    from llb.testing.graphs import assert_independent as assert_independent
    from llb.testing.graphs import assert_runs as assert_runs
    from llb.testing.graphs import assert_same as assert_same
    from llb.testing.graphs import step as step
    from llb.testing.graphs import steps as steps
    from llb.testing.images import FakeImage as FakeImage
    from llb.testing.images import FakeImages as FakeImages
