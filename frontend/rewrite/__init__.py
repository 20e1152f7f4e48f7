"""The command that rewrites."""
