"""LLB operations as values, and a traversal of their graph.

Private to :mod:`llb`.
"""
