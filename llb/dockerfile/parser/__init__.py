"""The parser: lines, words, heredocs and parser directives.

Private to :mod:`llb.dockerfile`.
"""
