"""Evaluation of HCL expressions: operators, templates, loops and calls of functions.

Private to :mod:`llb.bake`.
"""
