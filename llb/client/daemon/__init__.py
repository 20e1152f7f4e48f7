"""The private daemon: a buildkitd that is started on demand and stopped when idle.

Private to :mod:`llb.client`.
"""
