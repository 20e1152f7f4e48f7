"""Errors in Dockerfiles: a catalogue with spans, suggestions, and Go's messages.

Private to :mod:`llb.dockerfile`.
"""
