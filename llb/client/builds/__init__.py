"""Builds from their options to their results: prepared, running, and as handles.

Private to :mod:`llb.client`.
"""
