"""Instructions: nodes with their flags and arguments checked.

Private to :mod:`llb.dockerfile`.
"""
