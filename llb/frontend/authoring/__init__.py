"""Frontends from functions: call them per platform, and answer builds and subrequests.

Private to :mod:`llb.frontend`.
"""
