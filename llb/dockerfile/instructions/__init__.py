"""Instructions: nodes with their flags and arguments checked."""
