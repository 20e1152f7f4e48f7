"""Sources of a build: images, local directories, git, HTTP, and inline files.

Private to :mod:`llb`.
"""
