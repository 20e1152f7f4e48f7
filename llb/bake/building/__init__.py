"""Build targets: all at the same time, with links between them, and one display.

Private to :mod:`llb.bake`.
"""
