"""A quick start of the image: what a build imports, in one file."""
