"""Services of a session, one per file: local files, secrets, ssh, registry credentials and others.

Private to :mod:`llb.client`.
"""
