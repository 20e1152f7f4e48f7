"""Credentials for registries, as Docker's command keeps them.

Private to :mod:`llb.client`.
"""
