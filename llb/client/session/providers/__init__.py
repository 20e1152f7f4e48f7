"""What a client serves to the daemon during a build, one service a file.

Private to :mod:`llb.client`.
"""
