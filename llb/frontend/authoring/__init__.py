"""Frontends that are functions: what they are asked, and what becomes of it.

Private to :mod:`llb.frontend`.
"""
