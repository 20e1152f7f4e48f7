"""Greet with a package of the company."""

from acme_greetings import greet

print(greet("world"))
