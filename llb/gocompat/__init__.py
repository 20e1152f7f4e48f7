"""Python counterparts of Go packages that BuildKit uses, from the standard library and elsewhere.

BuildKit compares, prints and parses with them, so bytes and errors are equal only if these are.

Private to :mod:`llb`.
"""
