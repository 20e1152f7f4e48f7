"""Speed up the start of the image: all modules that a build imports, bundled in one file."""
