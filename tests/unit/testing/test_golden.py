"""Goldens of builds are compared, updated on request and reported when unused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

# pytester unloads the modules that its runs imported, and protobuf cannot be imported twice.
import llb.compare.explanation
import llb.definition.decode  # noqa: F401
from llb import Definition, Image, dump

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

TEST = """
from llb import Image

def test_build(golden):
    golden(Image("alpine").run("apk add git").run("make"))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A directory with one test of a build and its golden."""
    pytester.makepyfile(test_it=TEST)
    pytester.runpytest("--update-golden").assert_outcomes(passed=1)
    return pytester


def summary_lines(result: pytest.RunResult) -> list[str]:
    """Extract the lines of the section on goldens."""
    lines = result.outlines
    (start,) = (number for number, line in enumerate(lines) if " goldens " in line)
    return [line for line in lines[start + 1 : -1] if line]


def goldens(pytester: pytest.Pytester) -> dict[str, str]:
    """Read all goldens by path."""
    return {
        str(path.relative_to(pytester.path)): path.read_text()
        for path in sorted(pytester.path.glob("golden/**/*.txt"))
    }


def edit_test(pytester: pytest.Pytester, old: str, new: str) -> None:
    test = pytester.path / "test_it.py"
    test.write_text(test.read_text().replace(old, new))


def test_a_missing_golden_fails_with_its_content(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_it=TEST)
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: missing golden golden/test_it/test_build.txt; its content would be",
            "E *#2 run apk add git",
            "E *run pytest with --update-golden to write it",
        ]
    )
    assert goldens(pytester) == {}


def test_an_update_writes_the_dump_and_reports_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TEST)
    result = pytester.runpytest("--update-golden")
    assert summary_lines(result) == ["added golden/test_it/test_build.txt"]
    state = Image("alpine").run("apk add git").run("make")
    definition = state.marshal(platform="linux/amd64", source_map=False)
    assert goldens(pytester) == {"golden/test_it/test_build.txt": dump.text(definition)}
    binary = Definition.from_file(pytester.path / "golden/test_it/test_build.llb")
    assert (binary.ops, binary.files) == (definition.ops, ())


def test_an_unchanged_build_passes_without_a_report(project: pytest.Pytester) -> None:
    edit_test(project, "def test_build", "# Another line.\n\ndef test_build")
    for option in ([], ["--update-golden"]):
        result = project.runpytest(*option)
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("* goldens *")


def test_a_difference_is_shown_with_the_steps_that_would_run_again(
    project: pytest.Pytester,
) -> None:
    edit_test(project, "apk add git", "apk add git curl")
    before = goldens(project)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    message = [line[1:].strip() for line in result.outlines if line.startswith("E")]
    assert message == [
        "AssertionError: golden/test_it/test_build.txt does not match:",
        "--- golden",
        "+++ this run",
        "@@ -3,8 +3,8 @@",
        'source.identifier: "docker-image://docker.io/library/alpine:latest"',
        "caps: source.image",
        "-#2 run apk add git",
        "+#2 run apk add git curl",
        "inputs: #1.0",
        "platform: linux/amd64",
        '-    exec.meta.args: ["/bin/sh", "-c", "apk add git"]',
        '+    exec.meta.args: ["/bin/sh", "-c", "apk add git curl"]',
        'exec.meta.cwd: "/"',
        "exec.meta.removeMountStubsRecursive: true",
        "",
        "~ test_it.py:4: run apk add git curl",
        "exec.meta.args: apk add git → apk add git curl",
        "rebuilt because of test_it.py:4: run apk add git curl",
        "test_it.py:4: run make",
        "",
        "1 changed, 1 rebuilt, 1 the same",
        "if the change is intended, run pytest with --update-golden",
    ]
    assert goldens(project) == before


def test_an_update_reports_changed_goldens(project: pytest.Pytester) -> None:
    edit_test(project, "apk add git", "apk add curl")
    result = project.runpytest("--update-golden")
    assert summary_lines(result) == ["changed golden/test_it/test_build.txt"]
    project.runpytest().assert_outcomes(passed=1)


def test_a_golden_edited_by_hand_is_compared_only_as_text(project: pytest.Pytester) -> None:
    golden = project.path / "golden/test_it/test_build.txt"
    golden.write_text(golden.read_text().replace("apk add git", "apk add curl"))
    result = project.runpytest()
    result.stdout.fnmatch_lines(["E *-#2 run apk add curl"])
    result.stdout.no_fnmatch_line("*rebuilt*")


def test_a_difference_in_bytes_that_the_dump_does_not_show_fails(pytester: pytest.Pytester) -> None:
    test = """
        from llb import Scratch

        def test_build(golden):
            golden(Scratch().mkfile("/a", "x" * 100 + "{}"))
        """
    pytester.makepyfile(test_it=test.format("a"))
    pytester.runpytest("--update-golden").assert_outcomes(passed=1)
    pytester.makepyfile(test_it=test.format("b"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *-    digest: sha256:*", "E *+    digest: sha256:*"])


def test_every_test_has_its_own_goldens(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from llb import Image

        @pytest.mark.parametrize("base", ["alpine:3", "a/b"])
        def test_each(golden, base):
            golden(Image(base))
            golden(f"a text of {base}\\n", "a/text")

        class TestMore:
            def test_each(self, golden):
                golden("more\\n")
        """
    )
    pytester.runpytest("--update-golden").assert_outcomes(passed=3)
    assert [path.removeprefix("golden/test_it/") for path in goldens(pytester)] == [
        "TestMore.test_each.txt",
        "test_each-a-b-.a-text.txt",
        "test_each-a-b.txt",
        "test_each-alpine-3-.a-text.txt",
        "test_each-alpine-3.txt",
    ]
    assert goldens(pytester)["golden/test_it/test_each-a-b-.a-text.txt"] == "a text of a/b\n"


def test_a_golden_can_be_used_only_once_in_a_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_one(golden):\n    golden('1')\n    golden('2')\n")
    result = pytester.runpytest("--update-golden")
    result.stdout.fnmatch_lines(
        ["E *the golden test_one.txt was already used in this test: give each a name"]
    )


def test_two_tests_cannot_use_the_same_golden(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.parametrize("text", ["a/b", "a-b"])
        def test_one(golden, text):
            golden(text)
        """
    )
    result = pytester.runpytest("--update-golden")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *test_one-a-b.txt is used by *::test_one?a/b? and by *::test_one?a-b?: give each a name"
        ]
    )


@pytest.fixture
def renamed(project: pytest.Pytester) -> pytest.Pytester:
    """The project with its test renamed, which uses another golden."""
    edit_test(project, "test_build", "test_other")
    return project


def test_an_update_reports_and_removes_unused_goldens(
    renamed: pytest.Pytester,
) -> None:
    result = renamed.runpytest("--update-golden")
    assert summary_lines(result) == [
        "added golden/test_it/test_other.txt",
        "removed golden/test_it/test_build.txt",
    ]
    names = sorted(path.name for path in (renamed.path / "golden/test_it").iterdir())
    assert names == ["test_other.llb", "test_other.txt"]


def test_an_unused_golden_is_reported_but_kept_without_an_update(renamed: pytest.Pytester) -> None:
    more = TEST.replace("test_build", "test_other")
    (renamed.path / "test_it.py").write_text(TEST + more.replace("from llb import Image\n", ""))
    renamed.runpytest("--update-golden").assert_outcomes(passed=2)
    (renamed.path / "test_it.py").write_text(more)
    assert summary_lines(renamed.runpytest()) == ["unused golden/test_it/test_build.txt"]
    assert "golden/test_it/test_build.txt" in goldens(renamed)


@pytest.mark.parametrize("selection", [["-k", "other"], ["test_it.py::test_other"], ["-x"]])
def test_goldens_of_tests_that_did_not_run_are_kept(
    project: pytest.Pytester, selection: list[str]
) -> None:
    more = TEST.replace("test_build", "test_other")
    if selection == ["-x"]:
        more += "    assert False\n"
    test = project.path / "test_it.py"
    test.write_text(more + TEST.replace("from llb import Image\n", ""))
    result = project.runpytest("--update-golden", *selection)
    assert summary_lines(result)[:1] == ["added golden/test_it/test_other.txt"]
    assert "golden/test_it/test_build.txt" in goldens(project)


def test_a_golden_keeps_line_endings(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it='def test_it(golden):\n    golden("a\\r\\nü\\n")\n')
    for option in (["--update-golden"], []):
        pytester.runpytest(*option).assert_outcomes(passed=1)
    (path,) = pytester.path.glob("golden/*/*")
    assert path.read_bytes() == "a\r\nü\n".encode()


def test_files_of_other_programs_in_the_golden_folder_are_kept(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    folder = pytester.path / "golden" / "test_it"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    pytester.makepyfile(test_it="def test_it(): pass")
    pytester.runpytest("--update-golden").assert_outcomes(passed=1)
    assert (folder / "mine.txt").read_text() == "mine"
