"""Test the names."""

import unittest

from slugs import slug


class SlugTest(unittest.TestCase):
    """Make names."""

    def test_accents_and_punctuation_are_removed(self) -> None:
        """A name has ASCII letters, digits and dashes."""
        assert slug("Éclairs, 12 of them!") == "eclairs-12-of-them"
