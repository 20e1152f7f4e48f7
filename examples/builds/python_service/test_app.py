"""Test the service."""

import unittest

from app import count


class CountTest(unittest.TestCase):
    """Count words."""

    def test_words_are_counted(self) -> None:
        """Spaces and newlines separate words."""
        assert count("one two\nthree") == 3
