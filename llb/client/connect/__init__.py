"""Connections to a daemon: addresses, routes, pipes, and control API calls over them.

Private to :mod:`llb.client`.
"""
