"""HTTP/2 without I/O: frames, streams, flow control and the connection.

Private to :mod:`llb.grpc`.
"""
