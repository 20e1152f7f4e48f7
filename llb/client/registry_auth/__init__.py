"""Registry credentials from Docker's configuration and credential helpers.

Private to :mod:`llb.client`.
"""
