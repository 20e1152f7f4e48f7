"""Check that the service answers."""

from urllib.request import urlopen

with urlopen("http://127.0.0.1:8000", b"one two") as answer:
    assert answer.read() == b"2"
