"""The parts of a fake BuildKit: steps on trees in memory, sessions, progress, and the bridge.

Private to :mod:`llb.testing`.
"""
