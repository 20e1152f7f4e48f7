"""Build scripts: the last line of one, and how ``llb build`` runs it.

Private to :mod:`llb`.
"""
