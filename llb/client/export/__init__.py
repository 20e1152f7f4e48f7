"""Exports: what is asked of the daemon, and where the client puts what it sends.

Private to :mod:`llb.client`.
"""
