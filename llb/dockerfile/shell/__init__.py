"""The shell's words: quotes, variables and patterns.

Private to :mod:`llb.dockerfile`.
"""
