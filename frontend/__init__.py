"""The frontend image's program, which builds Dockerfiles and Python build files with llb."""
