"""Look at results: read files of a tree that a daemon builds, and run processes in it.

Private to :mod:`llb.client`.
"""
