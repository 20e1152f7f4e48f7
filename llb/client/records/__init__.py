"""Build records in files: the ``.dockerbuild`` bundles of Docker Desktop.

Private to :mod:`llb.client`.
"""
