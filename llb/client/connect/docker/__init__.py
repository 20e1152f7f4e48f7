"""Docker's Engine API: its BuildKit, containers and images, without the program ``docker``.

Private to :mod:`llb.client`.
"""
