"""Builders: named sets of BuildKit daemons, which buildx keeps in Docker's configuration.

Private to :mod:`llb.client`.
"""
