"""Image builds: the arguments of ``Client.build_image`` become one call of ``Client.solve``.

Private to :mod:`llb`.
"""
