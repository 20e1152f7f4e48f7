"""A client for asyncio and trio, on top of the one for threads.

Private to :mod:`llb.client`, which exports its public names.
"""
