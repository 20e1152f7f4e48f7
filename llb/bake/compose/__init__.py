"""Compose files as bake files: their services with a build section are targets.

They are read as compose-go reads them for docker buildx: YAML 1.2, interpolation with the
environment and ``.env``, ``extends``, and several files merged. All profiles are active.

Private to :mod:`llb.bake`.
"""
