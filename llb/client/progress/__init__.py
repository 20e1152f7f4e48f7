"""The progress of a build: its events, and displays of them, plain or live.

Private to :mod:`llb.client`.
"""
