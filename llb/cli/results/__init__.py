"""What commands print and write about builds: digests, and files with metadata.

Private to :mod:`llb.cli`.
"""
