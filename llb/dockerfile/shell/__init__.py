"""Shell words: quotes, variables and glob patterns.

Private to :mod:`llb.dockerfile`.
"""
