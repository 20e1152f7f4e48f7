"""Sources of stages: images, named contexts, Git, URLs, and ``.dockerignore``.

Private to :mod:`llb.dockerfile`.
"""
