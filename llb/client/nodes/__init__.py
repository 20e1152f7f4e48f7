"""Builds on several daemons: each platform where it is native, and the results joined.

Private to :mod:`llb.client`.
"""
