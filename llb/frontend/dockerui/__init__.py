"""The counterpart of BuildKit's dockerui: options, contexts, the file, forwarding, SBOMs.

Private to :mod:`llb.frontend`.
"""
