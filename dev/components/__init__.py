"""The parts of dev/stack: install, build, start and push. Standard library only."""
