"""Values of bake files: their types, conversions between these, and operations on them.

The rules are those of go-cty, which evaluates bake files for docker buildx. A bake file has no
values that are not known yet, so there are none here.

Private to :mod:`llb.bake`.
"""
