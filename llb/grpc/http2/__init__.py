"""HTTP/2 without I/O: frames, streams, flow control and the connection that holds them.

Private to :mod:`llb.grpc`.
"""
