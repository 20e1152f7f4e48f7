"""A service that knows some colors."""
