"""Run Python build files (:mod:`llb.buildfile`), on the daemon and offline.

Private to :mod:`llb.frontend`.
"""
