"""What must behave as Go's standard library, and the packages that BuildKit uses, do.

BuildKit compares, prints and parses with them, so bytes and errors are equal only where these are.

Private to :mod:`llb`.
"""
