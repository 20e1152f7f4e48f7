"""Base images of the states that a client builds.

Private to :mod:`llb.client`.
"""
