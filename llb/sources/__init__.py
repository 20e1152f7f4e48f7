"""What builds begin with: images, local directories, git, HTTP, and files written inline.

Private to :mod:`llb`.
"""
