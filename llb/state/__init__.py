"""State: the fluent API for build steps.

Private to :mod:`llb`.
"""
