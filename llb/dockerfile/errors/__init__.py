"""The errors of Dockerfiles: a catalogue with spans, suggestions, and the words of Go.

Private to :mod:`llb.dockerfile`.
"""
