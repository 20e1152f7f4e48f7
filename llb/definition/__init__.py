"""Encode and decode definitions: operations with their metadata and source locations.

Private to :mod:`llb`.
"""
