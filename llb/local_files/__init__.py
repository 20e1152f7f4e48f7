"""Files and paths of the user, on this machine.

Private to :mod:`llb`.
"""
