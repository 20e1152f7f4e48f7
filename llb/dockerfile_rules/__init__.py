"""What the instructions of a Dockerfile mean for BuildKit's operations.

The conversion, :mod:`llb.buildfile.docker` and the writers of both languages share these rules.

Private to :mod:`llb`.
"""
