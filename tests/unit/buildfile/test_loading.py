"""A build file imports its neighbours, the standard library and llb, and nothing else."""

from __future__ import annotations

import sys

import pytest

from llb.errors import BuildFileError, InputError, LLBError, render
from tests.unit.buildfile.texts import HEAD, load, make, modules

APP = "@target\ndef app() -> State:\n    return Scratch().mkfile('/said', said)\n"


DATACLASS = """\
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Words:
    said: str = 'hi'
said = Words().said"""


@pytest.mark.parametrize(
    ("line", "neighbours"),
    [
        ("from ci.steps import said", {"ci/steps.py": "said = 'hi'\n"}),
        ("import ci.steps\nsaid = ci.steps.said", {"ci/steps.py": "said = 'hi'\n"}),
        ("import ci.steps as steps\nsaid = steps.said", {"ci/steps.py": "said = 'hi'\n"}),
        ("from ci import steps\nsaid = steps.said", {"ci/steps.py": "said = 'hi'\n"}),
        (
            "from ci import said",
            {"ci/__init__.py": "from .a import said\n", "ci/a.py": "said = 'hi'\n"},
        ),
        ("from . import ci\nsaid = ci.said", {"ci.py": "said = 'hi'\n"}),
        ("from .ci import *", {"ci.py": "said = 'hi'\n"}),
        (
            "from a.b.c import said",
            {"a/b/c.py": "from ..x import said\n", "a/x.py": "said = 'hi'\n"},
        ),
        ("from ci import said", {"ci.py": "from words import said\n", "words.py": "said = 'hi'\n"}),
        # Names that are installed are no obstacle.
        ("from frontend import said", {"frontend.py": "said = 'hi'\n"}),
        ("from google.protobuf import said", {"google/protobuf.py": "said = 'hi'\n"}),
        ("from attrs import said", {"attrs.py": "said = 'hi'\n"}),
        ("import json, os.path as p\nsaid = json.loads('\"hi\"')", {}),
        (DATACLASS, {}),
    ],
)
def test_neighbours_are_imported(line: str, neighbours: dict[str, str]) -> None:
    future, text = "", line
    if line.startswith("from __future__"):
        future, _, text = line.partition("\n")
    (part,) = make(f"{future}\n{HEAD}{text}\n{APP}", neighbours)
    assert b"hi" in part.tree.marshal().ops[0]


def test_an_import_within_a_function_is_made_when_it_is_called() -> None:
    text = f"{HEAD}@target\ndef app() -> State:\n    from ci import said\n    return Scratch().mkfile('/a', said)\n"
    (part,) = make(text, {"ci.py": "said = 'hi'\n"})
    assert b"hi" in part.tree.marshal().ops[0]


def test_a_file_that_is_closed_leaves_no_modules() -> None:
    before = set(sys.modules), list(sys.meta_path)
    load(f"{HEAD}import ci\n", {"ci.py": ""})
    assert (set(sys.modules) - before[0], list(sys.meta_path)) == (set(), before[1])


def test_two_files_are_loaded_side_by_side() -> None:
    first, second = (
        modules("import ci\nx = ci.x\n", {"ci.py": "x = 1\n"}),
        modules("import ci\nx = ci.x\n", {"ci.py": "x = 2\n"}),
    )
    try:
        assert (first.load().x, second.load().x) == (1, 2)
    finally:
        first.close()
        second.close()


HINT = "hint: a build file imports its neighbours, Python's standard library and llb"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import requests", f"error: build.py:1: there is no module requests beside build.py\n1 | >>> import requests\n{HINT}"),
        ("import attr", f"error: build.py:1: there is no module attr beside build.py\n1 | >>> import attr\n{HINT}"),
        ("from ci.step import x", "error: build.py:1: there is no module ci.step beside build.py\n1 | >>> from ci.step import x\nhint: did you mean ci.steps?"),
        ("import llb.missing", "error: build.py:1: ModuleNotFoundError: No module named 'llb.missing'\n  File \"build.py\", line 1, in <module>\n    import llb.missing\n1 | >>> import llb.missing"),
        ("def a(:", "error: build.py:1:7: invalid Python: invalid syntax\n1 | >>> def a(:\n  |           ^"),
        ("x = '", "error: build.py:1:5: invalid Python: unterminated string literal (detected at line 1)\n1 | >>> x = '\n  |         ^"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(LLBError) as caught:
        load(line, {"ci/steps.py": ""})
    assert render(caught.value) == told


def test_a_mistake_in_a_neighbour_is_shown_in_it_with_the_way_there() -> None:
    with pytest.raises(BuildFileError) as caught:
        load("import ci\n", {"ci.py": "\n1 / 0\n"})
    assert render(caught.value) == (
        "error: ci.py:2: ZeroDivisionError: division by zero\n"
        '  File "build.py", line 1, in <module>\n'
        "    import ci\n"
        '  File "ci.py", line 2, in <module>\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "1 |\n2 | >>> 1 / 0"
    )


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="null bytes"):
        load("x = '\0'")
