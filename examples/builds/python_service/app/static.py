"""Write the static files to a directory, with the hash of each in its name."""

import hashlib
import sys
from pathlib import Path

FILES = {"style.css": "body { font-family: sans-serif }\n"}

folder = Path(sys.argv[1])
folder.mkdir()
for name, text in FILES.items():
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    (folder / f"{digest}.{name}").write_text(text)
