"""Write mails to the names in the arguments."""

import sys

from greetings import greet


def main() -> None:
    """Print the mails."""
    for name in sys.argv[1:]:
        print(f"To: {name}@example.com\n\n{greet(name)}\n")
