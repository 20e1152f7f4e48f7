"""For tests of builds and of frontends: goldens, assertions on graphs, and fakes (docs/testing.md).

:mod:`llb.testing.plugin` is a pytest plugin, which is there wherever this package is installed.
The fakes are in :mod:`llb.testing.gateway` and :mod:`llb.testing.daemon`.
"""
