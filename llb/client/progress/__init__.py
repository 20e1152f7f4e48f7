"""Progress of a build: its events, and plain and live displays of them.

Private to :mod:`llb.client`.
"""
