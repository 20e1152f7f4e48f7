"""The session of a build: the services that the daemon calls on the client.

Private to :mod:`llb.client`.
"""
