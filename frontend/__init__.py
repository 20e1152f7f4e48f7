"""Frontends on top of llb: a Dockerfile, read and turned into LLB."""
