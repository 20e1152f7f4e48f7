"""What BuildKit's dockerui does for every frontend: options, contexts, the file, forwarding, SBOMs.

Private to :mod:`llb.frontend`.
"""
