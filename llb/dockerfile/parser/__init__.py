"""The parser: lines, words, here-documents and parser directives.

Private to :mod:`llb.dockerfile`.
"""
