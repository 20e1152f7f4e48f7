"""The files in changes/ become the section of the next release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT

CHANGES = ROOT / "changes"


def test_every_file_is_in_the_section_of_the_next_release() -> None:
    towncrier = Path(sys.executable).with_name("towncrier")
    section = subprocess.run(
        [towncrier, "build", "--draft", "--version", "1.2.3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert section.lstrip().startswith("## 1.2.3 (")
    files = {path for path in CHANGES.iterdir() if path.name not in ("README.md", "template.md")}
    assert files
    for path in files:
        assert f"\n{path.read_text()}" in section, path
