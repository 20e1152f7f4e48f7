"""The shell's words: quotes, variables and patterns."""
