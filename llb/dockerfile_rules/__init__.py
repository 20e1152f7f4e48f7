"""Map the instructions of a Dockerfile to BuildKit's operations.

The conversion, :mod:`llb.buildfile.instructions`, and the writers of Python and Dockerfiles share these
rules.

Private to :mod:`llb`.
"""
