"""The operations of a build as values, and one walk over their graph.

Private to :mod:`llb`.
"""
