"""Builders: named sets of BuildKit daemons, which buildx keeps in Docker's configuration.

The names for users are those of :mod:`llb.client`.
"""
