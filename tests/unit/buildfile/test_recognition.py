"""Build files are told from scripts by what they import and mark, without running them."""

from __future__ import annotations

import pytest

from llb.buildfile.recognition import is_build_file, misplaced_syntax

BODY = "def app(build):\n    return build.image('a')\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"from llb.buildfile import target\n@target\n{BODY}", True),
        (f"from llb.buildfile import target as t\n@t(default=True)\n{BODY}", True),
        (f"import llb.buildfile\n@llb.buildfile.target\n{BODY}", True),
        (f"import llb.buildfile as b\n@b.target(name='x')\n{BODY}", True),
        (f"from llb import buildfile\n@buildfile.target\n{BODY}", True),
        (f"from llb.buildfile import *\n@target\n{BODY}", True),
        (f"from llb.buildfile.target import target\n@target\n{BODY}main(app())\n", True),
        ("from llb.buildfile import Build\nfrom ci import app\n", True),
        (f"\ufefffrom llb.buildfile import target\n@target\n{BODY}", True),
        ("from llb.buildfile import target\ndef app(:\n", True),
        ("from llb import Image, main\nmain(Image('a'))\n", False),
        ("import llb\nllb.main(llb.Image('a'))\n", False),
        ("from llb import main\nfrom llb.buildfile import instructions\nmain(x)\n", False),
        (f"from pytasks import target\n@target\n{BODY}", False),
        ("from .buildfile import target\n", False),
        ("print('hello')\n", False),
        ("def app(:\n", False),
        ("x = 1\0", False),
        ("", False),
    ],
)
def test_a_build_file_marks_a_target_or_imports_the_module(text: str, *, expected: bool) -> None:
    assert is_build_file(text.encode()) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"""Build it."""\n# syntax=me/own:1 x\nimport llb\n', (2, "me/own:1")),
        ("# A comment.\n# Syntax = me/own\n", (2, "me/own")),
        ("import llb\n# syntax=me/own\n", None),
        ("@target\ndef app(): pass\n# syntax=me/own\n", None),
        ("x = 1\n", None),
    ],
)
def test_a_syntax_line_below_other_lines_is_found(
    text: str, expected: tuple[int, str] | None
) -> None:
    assert misplaced_syntax(text.encode()) == expected
