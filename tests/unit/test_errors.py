"""Errors are one line, are rendered with their source lines, and survive pickle and copy."""

from __future__ import annotations

import copy
import errno
import pickle
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from inspect import signature
from multiprocessing import get_context
from pkgutil import walk_packages
from typing import Any

import pytest

import llb
from llb.errors import Hint, LLBError, MissingFileError, SolveError, Span, render

TEXT = "FROM alpine\nRUN one\nCOPPY a b\nRUN two\nRUN three\nRUN four\n"


def test_an_error_is_one_line_with_its_position() -> None:
    error = LLBError("unknown instruction", span=Span("Dockerfile", TEXT, 3, column=1, width=5))
    assert str(error) == error.title == "Dockerfile:3:1: unknown instruction"
    assert error.message == "unknown instruction"


def test_the_line_of_an_error_ends_with_its_hint() -> None:
    error = LLBError("unknown target b", span=Span("build.py", "", 3), hint="did you mean a?")
    assert str(error) == "build.py:3: unknown target b (did you mean a?)"
    assert error.title == "build.py:3: unknown target b"


def test_a_hint_may_have_other_words_on_the_command_line() -> None:
    error = LLBError("no target", hint=Hint("pass target=NAME", command="pass --target NAME"))
    duplicate = pickle.loads(pickle.dumps(error))
    for one in (error, duplicate, copy.deepcopy(error)):
        assert str(one) == "no target (pass target=NAME)"
        assert (one.hint, one.command_hint) == ("pass target=NAME", "pass --target NAME")
        assert render(one) == "error: no target\nhint: pass target=NAME"
        assert render(one, for_command=True) == "error: no target\nhint: pass --target NAME"


def test_a_plain_hint_has_the_same_words_everywhere() -> None:
    error = LLBError("no target", hint="add one")
    assert (error.hint, error.command_hint) == ("add one", "add one")
    assert render(error, for_command=True) == "error: no target\nhint: add one"
    assert LLBError("no target").command_hint is None


def test_a_caret_line_ends_with_the_line_above() -> None:
    error = LLBError("wrong", span=Span("Dockerfile", "RUN one\n", 1, column=5, width=10**12))
    assert render(error) == "1 | >>> RUN one\n  |         ^^^\nerror: Dockerfile:1:5: wrong"


def test_rendering_shows_the_lines_a_caret_and_the_hint() -> None:
    error = LLBError(
        "unknown instruction: COPPY",
        span=Span("Dockerfile", TEXT, 3, column=1, width=5),
        hint="did you mean COPY?",
    )
    assert render(error) == (
        "1 |     FROM alpine\n"
        "2 |     RUN one\n"
        "3 | >>> COPPY a b\n"
        "  |     ^^^^^\n"
        "4 |     RUN two\n"
        "5 |     RUN three\n"
        "error: Dockerfile:3:1: unknown instruction: COPPY\n"
        "hint: did you mean COPY?"
    )


def test_rendering_a_failed_step_shows_its_log() -> None:
    error = SolveError("exit code 7", code=2, exit_code=7, log=("a", "b"))
    assert render(error) == "  | a\n  | b\nerror: exit code 7"


def test_rendering_shows_the_lines_that_called_a_failed_step() -> None:
    text = "def check(state):\n    return state.run('exit 7')\n\napp = check(base)\n"
    error = SolveError(
        "exit code 7",
        code=2,
        span=Span("build.py", text, 2),
        callers=(Span("build.py", text, 4),),
    )
    assert render(error) == (
        "at build.py:4:\n"
        "2 |         return state.run('exit 7')\n"
        "3 |\n"
        "4 | >>> app = check(base)\n"
        "at build.py:2:\n"
        "1 |     def check(state):\n"
        "2 | >>>     return state.run('exit 7')\n"
        "3 |\n"
        "4 |     app = check(base)\n"
        "error: build.py:2: exit code 7"
    )


class InterceptorError(Exception):
    """An exception of an interceptor that is equal to its copies."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InterceptorError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


SAMPLES: dict[str, Any] = {
    "cause": InterceptorError("refused"),
    "message": "it broke",
    "span": Span("Dockerfile", TEXT, 3, column=1, width=5, definition=b"\0\1"),
    "hint": "mend it",
    "trace": ("  line 1", "    oops()"),
    "callers": (Span("build.py", "a()\n", 1),),
    "cap": "exec.mount.ssh",
    "since": "v0.5.0",
    "source": "local://context",
    "path": "/etc/none",
    "code": 2,
    "details": (b"\x0a\x01x",),
    "vertex": "sha256:aa",
    "step": "[1/2] RUN false",
    "exit_code": 7,
    "log": ("a", "b"),
    "command": ("sh", "-c", "false"),
    "stdout": b"out",
    "stderr": b"err\xff",
    "words": "Docker's words",
    "missing": (),
    "status": 404,
    "registry": "registry.example",
    "repository": "app",
    "reference": "v1",
}


def all_errors() -> list[type[LLBError]]:
    """Collect every error class of the package, wherever it is defined."""
    for package in (llb,):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if ".template" not in module.name and not module.name.endswith("__main__"):
                import_module(module.name)
    kinds: list[type[LLBError]] = [LLBError]
    for kind in kinds:
        kinds += [subclass for subclass in kind.__subclasses__() if subclass not in kinds]
    return [kind for kind in kinds if kind.__module__.startswith("llb.")]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__qualname__)
def test_every_error_survives_pickle_and_copy(kind: type[LLBError]) -> None:
    error = kind(**{name: SAMPLES[name] for name in signature(kind).parameters})
    error.add_note("seen in a pool")
    copies = [
        *(pickle.loads(pickle.dumps(error, level)) for level in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy(error),
        copy.deepcopy(error),
    ]
    for duplicate in copies:
        assert type(duplicate) is kind
        assert duplicate.args == error.args
        assert vars(duplicate) == vars(error)
        assert render(duplicate) == render(error)


def test_a_missing_file_is_a_file_not_found_error() -> None:
    error = MissingFileError("cannot read /none: no such file in the tree", path="/none")
    duplicate = pickle.loads(pickle.dumps(error))
    for missing in (error, duplicate):
        assert isinstance(missing, FileNotFoundError)
        assert (missing.errno, missing.filename) == (errno.ENOENT, "/none")
        assert str(missing) == "cannot read /none: no such file in the tree"


def fail(number: int) -> None:
    raise SolveError(f"step {number} failed", code=2, exit_code=number, log=("a",))


def test_a_process_pool_passes_on_a_build_failure() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = pool.submit(fail, 7).exception()
    assert isinstance(error, SolveError)
    assert (str(error), error.exit_code, error.log) == ("step 7 failed", 7, ("a",))


ATTACK = "\x1b]0;title\x07\x1b[2J\x1b[31mred\r\x1b]52;c;eA==\x07"


def test_control_characters_of_an_error_do_not_reach_the_terminal() -> None:
    error = SolveError(ATTACK, code=2, exit_code=7, log=(ATTACK,), hint=ATTACK)
    for colors in (False, True):
        log, message, hint = render(error, colors=colors).splitlines()
        shown = ATTACK.encode("unicode_escape").decode()
        assert message == f"error: {shown}"
        assert hint == f"hint: {shown}"
        in_color = shown.replace("\\x1b[31m", "\x1b[31m") + "\x1b[0m"
        assert log == f"  | {in_color if colors else shown}"
