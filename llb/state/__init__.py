"""The state: the fluent API that steps are written with.

Private to :mod:`llb`.
"""
