"""What a build command tells about its build: traces for OpenTelemetry, events, cache hits.

Private to :mod:`llb.cli`.
"""
