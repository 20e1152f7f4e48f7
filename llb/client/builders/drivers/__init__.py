"""The drivers of builders: how a node is started, reached, stopped and removed.

Names, options and containers are those of buildx, so that each manages the other's nodes.

Private to :mod:`llb.client`.
"""
