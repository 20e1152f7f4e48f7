"""The session of a build: what the daemon asks of the client meanwhile.

Private to :mod:`llb.client`.
"""
