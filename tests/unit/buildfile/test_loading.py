"""A build file can import files next to it, the standard library and llb, and nothing else."""

from __future__ import annotations

import sys

import pytest

from llb.errors import BuildFileError, InputError, InvalidValueError, LLBError, render
from tests.unit.buildfile.texts import HEAD, load, modules, run_target

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
        # Modules may have the names of installed packages.
        ("from frontend import said", {"frontend.py": "said = 'hi'\n"}),
        ("from google.protobuf import said", {"google/protobuf.py": "said = 'hi'\n"}),
        ("from attrs import said", {"attrs.py": "said = 'hi'\n"}),
        ("import json, os.path as p\nsaid = json.loads('\"hi\"')", {}),
        (DATACLASS, {}),
    ],
)
def test_files_next_to_the_build_file_are_imported(line: str, neighbours: dict[str, str]) -> None:
    future, code = "", line
    if line.startswith("from __future__"):
        future, _, code = line.partition("\n")
    (part,) = run_target(f"{future}\n{HEAD}{code}\n{APP}", neighbours)
    assert b"hi" in part.tree.marshal().ops[0]


def test_a_function_can_import_a_module() -> None:
    source = f"{HEAD}@target\ndef app() -> State:\n    from ci import said\n    return Scratch().mkfile('/a', said)\n"
    (part,) = run_target(source, {"ci.py": "said = 'hi'\n"})
    assert b"hi" in part.tree.marshal().ops[0]


def test_closing_a_file_unloads_its_modules() -> None:
    before = set(sys.modules), list(sys.meta_path)
    load(f"{HEAD}import ci\n", {"ci.py": ""})
    assert (set(sys.modules) - before[0], list(sys.meta_path)) == (set(), before[1])


def test_two_files_are_loaded_independently() -> None:
    first, second = (
        modules("import ci\nx = ci.x\n", {"ci.py": "x = 1\n"}),
        modules("import ci\nx = ci.x\n", {"ci.py": "x = 2\n"}),
    )
    try:
        assert (first.load().x, second.load().x) == (1, 2)
    finally:
        first.close()
        second.close()


HINT = "hint: a build file can import files next to it, Python's standard library and llb"


@pytest.mark.parametrize(
    ("line", "rendered"),
    [
        ("import requests", f"1 | >>> import requests\nerror: build.py:1: module requests not found next to build.py\n{HINT}"),
        ("import attr", f"1 | >>> import attr\nerror: build.py:1: module attr not found next to build.py\n{HINT}"),
        ("from ci.step import x", "1 | >>> from ci.step import x\nerror: build.py:1: module ci.step not found next to build.py\nhint: did you mean ci.steps?"),
        ("import llb.missing", "  File \"build.py\", line 1, in <module>\n    import llb.missing\n1 | >>> import llb.missing\nerror: build.py:1: ModuleNotFoundError: No module named 'llb.missing'"),
        ("def a(:", "1 | >>> def a(:\n  |           ^\nerror: build.py:1:7: invalid Python: invalid syntax"),
        ("x = '", "1 | >>> x = '\n  |         ^\nerror: build.py:1:5: invalid Python: unterminated string literal (detected at line 1)"),
    ],
)  # fmt: skip
def test_a_failed_import_is_reported_with_its_line(line: str, rendered: str) -> None:
    with pytest.raises(LLBError) as caught:
        load(line, {"ci/steps.py": ""})
    assert render(caught.value) == rendered


def test_an_error_in_a_module_is_shown_with_its_traceback() -> None:
    with pytest.raises(BuildFileError) as caught:
        load("import ci\n", {"ci.py": "\n1 / 0\n"})
    assert render(caught.value) == (
        '  File "build.py", line 1, in <module>\n'
        "    import ci\n"
        '  File "ci.py", line 2, in <module>\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "1 |\n2 | >>> 1 / 0\n"
        "error: ci.py:2: ZeroDivisionError: division by zero"
    )


def test_a_file_with_null_bytes_is_refused() -> None:
    with pytest.raises(InputError, match="null bytes"):
        load("x = '\0'")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("importlib.import_module('ci').NAME", "a neighbour"),
        ("importlib.import_module('ci.inner').NAME", "an inner module"),
        (
            "importlib.import_module('.inner', importlib.import_module('ci').__name__).NAME",
            "an inner module",
        ),
        ("importlib.import_module('posixpath').join('a', 'b')", "a/b"),
    ],
)
def test_modules_are_imported_by_their_names(line: str, expected: str) -> None:
    neighbours = {
        "ci/__init__.py": "NAME = 'a neighbour'\n",
        "ci/inner.py": "NAME = 'an inner module'\n",
    }
    run_target(
        f"{HEAD}import importlib\n@target\ndef app() -> State:\n"
        f"    assert {line} == {expected!r}\n    return Scratch()\n",
        neighbours,
    )


def test_modules_imported_by_their_names_are_guarded() -> None:
    with pytest.raises(InvalidValueError) as caught:
        load(f"{HEAD}import importlib\nimportlib.import_module('time').time()\n")
    assert caught.value.message == "time.time(): the clock is not an input of the build"
