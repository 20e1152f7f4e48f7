"""Bake files: the targets of a project, in HCL, JSON or compose files."""
