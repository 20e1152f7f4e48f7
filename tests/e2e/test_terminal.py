"""``llb build`` on a terminal: a pseudo-terminal whose screen an emulator draws."""

from __future__ import annotations

import os
import re
import sys
import uuid
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from components.recording import record, to_svg
from components.terminal import Terminal

from tests.e2e.test_failures import ENDLESS

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LONG = "a step with a name that is longer than a narrow terminal is wide"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "build.py"
    path.write_text(
        "from llb import Image, main\n"
        f"done = Image('busybox').run('echo {uuid.uuid4()}', name={LONG!r})\n"
        f"main(done.run('echo {uuid.uuid4()}; echo tail; {ENDLESS}', name='last'))\n"
    )
    return path


def is_whole(rows: list[str], columns: int) -> bool:
    """Check whether a screen shows the complete display of the build, in its width, and no more."""
    filled_rows = [row for row in rows if row]
    steps = [row for row in filled_rows if row[:2] in (" •", " ✓", " →")]
    return (
        filled_rows[:1] == rows[:1]
        and rows[0].startswith("[+] building")
        and len([row for row in steps if row[3:].startswith("a step with")]) == 1
        and len([row for row in steps if row[3:].startswith("last")]) == 1
        and {len(row) for row in steps} == {columns}
        and filled_rows[-1] == "   tail"
    )


@pytest.mark.feature("O5")
@pytest.mark.parametrize(("columns", "lines"), [(50, 12), (140, 40), (90, 8)])
def test_the_display_follows_the_size_of_the_terminal(
    columns: int, lines: int, buildkit_host: str, script: Path
) -> None:
    command = [sys.executable, "-m", "llb", "build", str(script), "--addr", buildkit_host]
    titles: set[str] = set()

    def is_settled(rows: list[str]) -> bool:
        # The screen may be read before a drawing is complete. The title contains the time, so
        # several titles prove several complete drawings.
        if is_whole(rows, columns):
            titles.add(rows[0])
        return len(titles) > 3

    with Terminal(command, columns=90, lines=24, environ=os.environ) as terminal:
        terminal.wait_for(lambda rows: any(row.endswith("tail") for row in rows))
        terminal.resize(columns, lines)
        terminal.wait_for(is_settled)


def picture_rows(picture: str) -> list[str]:
    """Read the rows and the title of an SVG picture."""
    elements = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    return [" ".join(part for part in element.itertext()) for element in elements]


@pytest.mark.feature("O13")
def test_a_recording_becomes_a_picture() -> None:
    lines = ["printf 'one  \\033[1;32mtwo & three\\033[0m\\n'", "read go", "printf '\\033[Hover'"]
    command = ["sh", "-c", "; ".join(lines)]
    frames = []
    with Terminal(command, columns=20, lines=3, environ=os.environ) as terminal:
        for frame in record(terminal):
            frames.append(frame)
            if len(frames) == 1:
                terminal.type("\n")
    picture = to_svg(frames, columns=20, lines=3, title="$ draw")
    assert picture_rows(picture) == ["one two & three", "over two & three", "$ draw"]
    assert 'class="green bold">two &amp; three' in picture
    assert len(re.findall(r"^[\d.]+% ", picture, re.MULTILINE)) == 3


@pytest.mark.feature("O13")
def test_the_picture_in_the_documentation_shows_its_build() -> None:
    script = (IMAGES / "build.py").read_text()
    rows = picture_rows((IMAGES / "build.svg").read_text())
    for name in re.findall(r'name="([^"]+)"', script):
        assert any(f"✓ {name} " in row for row in rows), name
