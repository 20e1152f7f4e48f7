"""Short names for URLs."""

import re
import unicodedata


def slug(title: str) -> str:
    """Make a title part of a URL."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
