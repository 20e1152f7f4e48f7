"""A daemon of our own: started when there is none, ended once nobody needs it.

Private to :mod:`llb.client`.
"""
