"""Python versions of Go's standard library and of packages that BuildKit uses.

BuildKit compares, prints and parses with them, so bytes and errors are equal only if these are.

Private to :mod:`llb`.
"""
