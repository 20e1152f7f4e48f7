"""Greetings, for all services."""


def greet(name: str) -> str:
    """Greet somebody."""
    return f"hello {name}"
