"""The stages: their graph, global arguments, targets, and SOURCE_DATE_EPOCH.

Private to :mod:`llb.dockerfile`.
"""
