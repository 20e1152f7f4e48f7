"""What clients ask besides builds: describe, outline, targets, lint and convertllb.

Private to :mod:`llb.frontend`.
"""
