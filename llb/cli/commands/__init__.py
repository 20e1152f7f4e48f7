"""The commands of ``llb``, one per file.

Private to :mod:`llb`.
"""
