"""What a bake file defines: targets and groups as typed values, merged, overridden and printed.

Private to :mod:`llb.bake`.
"""
