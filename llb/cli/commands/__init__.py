"""The commands of ``llb``, each in the file of its name.

Private to :mod:`llb`.
"""
