"""The parts of dev/stack: what it installs, builds, starts and pushes. Standard library only."""
