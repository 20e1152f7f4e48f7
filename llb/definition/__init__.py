"""A definition: encoded operations with their metadata and sources, to and from bytes.

Private to :mod:`llb`.
"""
