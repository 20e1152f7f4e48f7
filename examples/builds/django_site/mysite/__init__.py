"""A site with one page."""
