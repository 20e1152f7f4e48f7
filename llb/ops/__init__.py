"""The operations of a build as values, and one walk over their graph."""
