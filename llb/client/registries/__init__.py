"""Registries over HTTP: repositories with their manifests, blobs, tags and tokens.

Private to :mod:`llb.client`.
"""
