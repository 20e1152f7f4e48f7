"""Exports of build results: exporters, their destinations on the client, and OCI layouts.

Private to :mod:`llb.client`.
"""
