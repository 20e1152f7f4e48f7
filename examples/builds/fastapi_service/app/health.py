"""Check that the service answers."""

from urllib.request import urlopen

with urlopen("http://127.0.0.1:8000/colors/red") as answer:
    assert answer.status == 200
