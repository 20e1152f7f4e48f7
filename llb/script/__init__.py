"""Build scripts: the function that ends one, and the runner of ``llb build``.

Private to :mod:`llb`.
"""
