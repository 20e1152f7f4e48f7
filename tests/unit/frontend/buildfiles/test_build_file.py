"""Build files on the daemon: the search for modules, and checks of build args."""

from __future__ import annotations

import pytest

from llb import Image
from llb.errors import RemoteError
from llb.testing.graphs import steps
from tests.unit.frontend.builds import APP, BODY, error_of, run

MAIN = f"""from steps import first
from ci.more.steps import second
{APP}    return Scratch().mkfile("/a", first()).mkfile("/b", second())
"""
NEIGHBOURS = {
    "ci/steps.py": "def first(): return 'one'\n",
    "ci/more/steps.py": "from steps import first\ndef second(): return first() + 'two'\n",
    "ci/more/data.txt": "not read",
    "ci/steps.txt": "not read",
}


def written(text: str, **options: object) -> list[bytes]:
    """Collect the contents of the files that a build writes."""
    outcome = run(text, **options)  # type: ignore[arg-type]
    return [
        action["mkfile"]["data"]
        for step in steps(outcome.definition)
        for action in step.vertex.op["actions"]
    ]


def test_modules_come_from_the_folder_of_the_file_and_then_from_the_context() -> None:
    assert written(MAIN, neighbours=NEIGHBOURS, filename="ci/build.py") == [b"one", b"onetwo"]


def test_only_the_files_of_a_module_are_sent() -> None:
    outcome = run(MAIN, neighbours=NEIGHBOURS, filename="ci/build.py")
    read = [call.split()[2] for call in outcome.calls if call.startswith("ReadFile")]
    assert [path for path in read if path.endswith(".py")] == [
        # The file of the first import, and all files of the package.
        "ci/build.py",
        "ci/steps.py",
        "ci/build.py",
        "ci/more/steps.py",
        "ci/steps.py",
    ]


def test_a_package_is_imported_with_its_modules() -> None:
    text = f"import tools\nfrom tools.inner.deep import name\n{APP}    return Scratch().mkfile('/a', tools.NAME + name)\n"
    neighbours = {
        "tools/__init__.py": "NAME = 'package '\n",
        "tools/inner/deep.py": "name = 'module'\n",
        "toolsmith.py": "raise RuntimeError\n",
    }
    assert written(text, neighbours=neighbours) == [b"package module"]


def test_a_module_comes_from_a_context_that_the_client_built() -> None:
    text = f"from steps import first\n{APP}    return Scratch().mkfile('/a', first())\n"
    inputs = {"context": Image("alpine")}
    outputs = {
        "[internal] choose of the build context": {"steps.py": "def first(): return 'built'\n"}
    }
    assert written(text, inputs=inputs, outputs=outputs) == [b"built"]


def test_a_missing_module_is_an_error_at_its_line() -> None:
    error = error_of(run(f"import nonesuch\n{APP}    return Scratch()\n"))
    assert error.message.startswith("module nonesuch not found")
    assert str(error.span) == "build.py:1"


def test_an_error_of_the_daemon_during_an_import_fails_the_build() -> None:
    failing = {"ReadDir": RemoteError("disk full", code=2)}
    error = error_of(run(f"import nonesuch\n{APP}    return Scratch()\n", errors=failing))
    assert error.message == "disk full"


def test_an_error_in_a_module_points_into_it() -> None:
    text = f"from steps import first\n{APP}    return first()\n"
    error = error_of(run(text, neighbours={"steps.py": "def first():\n    return 1 / 0\n"}))
    assert str(error.span) == "steps.py:2"


ARGS = APP.replace("build: Build", "version: str = '1', jobs: int = 1")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("verson", "did you mean version?"), ("other", "available build args: jobs, version")],
)
def test_an_unknown_build_arg_is_refused(name: str, hint: str) -> None:
    error = error_of(run(f"{ARGS}    return Scratch()\n", {f"build-arg:{name}": "1"}))
    assert error.message == f"unknown build arg {name} (hint: {hint})"


def test_every_build_arg_is_unknown_to_a_file_without_build_args() -> None:
    error = error_of(run(f"{APP}    return Scratch()\n", {"build-arg:x": "1"}))
    assert error.message == "unknown build arg x (hint: available build args: none)"


@pytest.mark.parametrize(
    "name",
    ["BUILDKIT_INLINE_CACHE", "SOURCE_DATE_EPOCH", "HTTP_PROXY", "no_proxy", "ALL_PROXY"],
)
def test_reserved_build_args_are_accepted(name: str) -> None:
    run(f"{APP}    return Scratch()\n", {f"build-arg:{name}": "1"}).checked()


def test_the_default_target_is_built_unless_one_is_named() -> None:
    text = f"""{APP}    return Scratch().mkfile("/a", "app")

@target(default=True)
def other() -> State:
    return Scratch().mkfile("/a", "other")
"""
    assert written(text) == [b"other"]
    assert written(text, options={"target": "app"}) == [b"app"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the build file has no target"),
        (f"{APP}    return 'text'\n", "the target app returned"),
    ],
)
def test_a_file_without_a_result_is_refused(text: str, message: str) -> None:
    assert message in error_of(run(text)).message


@pytest.mark.parametrize(
    ("text", "is_python"),
    [
        ("import llb\n", True),
        ("# a comment\n\nfrom llb import State\n", True),
        ('"""A docstring."""\n', True),
        ("FROM scratch\n", False),
        ("from scratch\n", False),
        ("", False),
    ],
)
def test_a_build_file_is_recognized_by_its_first_statement(text: str, *, is_python: bool) -> None:
    outcome = run(text, filename="Dockerfile")
    message = "" if outcome.error is None else outcome.error.message
    assert message.startswith("the build file has no target") is is_python


def test_a_warning_and_a_line_of_code_have_the_same_number() -> None:
    (warning,) = run(f"{APP}    build.warn('x')\n    return Scratch()\n").warnings
    assert warning.location is not None
    assert warning.location.ranges[0].line == BODY
