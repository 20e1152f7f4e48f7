"""Every step records the line that created it, and the callers of that line."""

from __future__ import annotations

from pathlib import Path

from llb import Image, State

HERE = Path(__file__)


def helper(state: State, command: str) -> State:
    return state.run(command)  # the helper's line


def outer(state: State) -> State:
    return helper(state, "make")  # the outer line


def line_of(comment: str) -> int:
    lines = HERE.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))


def test_a_step_records_the_nearest_line_and_its_callers() -> None:
    state = outer(Image("alpine"))  # the test's line
    definition = state.marshal()
    lines = [
        (location.file.filename, location.ranges[0].line)
        for location in definition.vertices()[-2].locations
    ]
    name = HERE.relative_to(Path.cwd()).as_posix()
    assert lines[:3] == [
        (name, line_of("the helper's line")),
        (name, line_of("the outer line")),
        (name, line_of("the test's line")),
    ]
    assert not any(location[0].startswith("/") for location in lines)


def test_callers_reach_up_to_the_module_and_skip_installed_packages(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from functools import reduce\nfrom llb import Image\n\ndef step(s, c):\n"
        "    return s.run(c)\n\nstate = reduce(step, ['a'], Image('alpine'))\n"
    )
    scope: dict[str, State] = {}
    exec(compile(script.read_text(), str(script), "exec"), scope)
    locations = scope["state"].marshal().vertices()[-2].locations
    assert [(location.file.filename, location.ranges[0].line) for location in locations] == [
        ("build.py", 5),
        ("build.py", 7),
    ]


def test_digests_do_not_depend_on_source_lines() -> None:
    assert outer(Image("a")).marshal().ops == Image("a").run("make").marshal().ops


def test_source_lines_can_be_omitted() -> None:
    definition = outer(Image("a")).marshal(source_map=False)
    assert definition.files == ()
    assert not any(definition.locations.values())
