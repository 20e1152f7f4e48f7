"""What stages are made of: images, named contexts, git, URLs, and what is ignored.

Private to :mod:`llb.dockerfile`.
"""
