"""How a daemon is reached: addresses, their routes, the pipes they open, and calls over them.

Private to :mod:`llb.client`.
"""
