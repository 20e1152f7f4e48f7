"""Subrequests, which clients send instead of builds: describe, outline, targets, lint, convertllb.

Private to :mod:`llb.frontend`.
"""
