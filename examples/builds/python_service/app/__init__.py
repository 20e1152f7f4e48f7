"""A web service that counts the words of a text."""


def count(text: str) -> int:
    """Count the words."""
    return len(text.split())
