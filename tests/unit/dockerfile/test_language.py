"""Instructions and checks that a language adds to Docker's."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from llb import Scratch, bind, mkdir, mkfile
from llb.dockerfile import Conversion, DockerfileError, ImageTable, ResolvedImage, convert
from llb.dockerfile.grammar import INSTRUCTIONS
from llb.dockerfile.instructions.parse import _BUILDERS
from llb.dockerfile.language import PLAIN
from llb.dockerfile.parser.parser import _SPLITTERS
from llb.errors import InvalidValueError, render
from llb.frontend import Check, Finding, Language, NewInstruction, Site, Trail
from llb.frontend.build import build
from llb.testing.gateway import run_frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "rootfs": {"diff_ids": ["sha256:a"]},
    "config": {"Env": ["PATH=/bin"], "OnBuild": ["NOTE from below"]},
}
IMAGE = ResolvedImage(f"sha256:{'0' * 64}", json.dumps(CONFIG).encode())
PLAIN_IMAGE = ResolvedImage(f"sha256:{'1' * 64}", json.dumps({**CONFIG, "config": {}}).encode())
IMAGES = ImageTable({"docker.io/library/below:latest": IMAGE, "*": PLAIN_IMAGE})


def conversion_of(text: str, *instructions: NewInstruction, **options: Any) -> Conversion:
    language = Language(instructions)
    return convert(
        text, resolver=IMAGES, language=language, build_platform="linux/amd64", **options
    )


def note(site: Site) -> None:
    """NOTE TEXT...: write a file with this text."""
    site.take(site.state.file(mkfile("/note", " ".join(site.words)), **site.step()))


NOTE = NewInstruction("NOTE", note)


def names(conversion: Conversion) -> list[str]:
    """List the names of the steps."""
    metadata = (
        conversion.definition.metadata[vertex.digest] for vertex in conversion.definition.vertices()
    )
    step_names = (entry.description.get("llb.customname") for entry in metadata)
    return [name for name in step_names if name is not None]


def history(conversion: Conversion) -> list[tuple[str, bool]]:
    """List the history of the image: the commands, and whether each created a layer."""
    entries = json.loads(conversion.image_config)["history"]
    return [(entry["created_by"], "empty_layer" not in entry) for entry in entries]


def ops(conversion: Conversion) -> list[Any]:
    """List the operations in dumped form, without the last one, which marks the result."""
    return [vertex.op for vertex in conversion.definition.vertices()][:-1]


def error_of(text: str, *instructions: NewInstruction) -> str:
    with pytest.raises(DockerfileError) as caught:
        conversion_of(text, *instructions)
    return render(caught.value)


def test_steps_are_numbered_and_located_as_those_of_docker() -> None:
    text = "FROM a\nRUN x\nnote one \\\n  two\nWORKDIR /w\n"
    conversion = conversion_of(text, NOTE)
    image = f"docker.io/library/a:latest@sha256:{'1' * 64}"
    expected = [f"[1/4] FROM {image}", "[2/4] RUN x", "[3/4] NOTE one   two", "[4/4] WORKDIR /w"]
    assert names(conversion) == expected
    assert history(conversion)[1] == ("NOTE one   two # buildkit", True)
    (location,) = conversion.definition.locations[conversion.definition.vertices()[2].digest]
    assert [line_range.line for line_range in location.ranges] == [3, 4]


def test_words_are_expanded_and_quotes_are_removed() -> None:
    conversion = conversion_of("FROM scratch\nARG V='a b'\nNOTE \"$V\" '$V' ${V#a?}\n", NOTE)
    assert ops(conversion)[-1]["actions"][0]["mkfile"]["data"] == b"a b $V b"


def test_an_instruction_can_be_an_onbuild_trigger_of_a_stage_and_of_an_image() -> None:
    conversion = conversion_of("FROM below AS a\nONBUILD NOTE later\nFROM a\n", NOTE)
    assert [name.partition("] ")[2] for name in names(conversion)][1:] == [
        "ONBUILD NOTE from below",
        "ONBUILD NOTE later",
    ]


def test_steps_of_a_stage_without_cache_ignore_the_cache() -> None:
    seen: list[bool] = []

    def look(site: Site) -> None:
        seen.append(site.step()["ignore_cache"])

    text = "FROM scratch\nNOTE a\n"
    language = Language([NewInstruction("NOTE", look)])
    run_frontend(partial(build, language=language), {"no-cache": ""}, files={"Dockerfile": text})
    assert seen == [True]


def test_a_process_runs_as_in_run() -> None:
    def test(site: Site) -> None:
        site.run(site.words[0], mounts=[bind(Scratch(), "/m", readonly=True)])

    kind = NewInstruction("TEST", test, is_whole=True)
    text = 'FROM a\nARG A=1\nSHELL ["/bin/ash", "-c"]\n{} echo "$A" \'b\'\n'
    conversion = conversion_of(text.format("TEST"), kind, build_args={"http_proxy": "p"})
    plain = conversion_of(text.format("RUN"), build_args={"http_proxy": "p"})
    process = ops(conversion)[-1]
    assert process["meta"] == ops(plain)[-1]["meta"]
    assert process["meta"]["args"] == ("/bin/ash", "-c", "echo \"$A\" 'b'")
    empty = {"input": -1, "dest": "/m", "output": -1, "readonly": True}
    assert process["mounts"] == ({"dest": "/"}, empty)
    assert history(conversion) == history(plain)
    assert names(conversion)[-1] == names(plain)[-1].replace("RUN", "TEST")


def test_flags_are_parsed_as_those_of_docker() -> None:
    seen: list[object] = []

    def look(site: Site) -> None:
        seen.extend([site.flag("one"), site.flag("none"), site.flags("many"), site.switch("on")])
        seen.extend([site.switch("off"), site.words])

    kind = NewInstruction(
        "LOOK", look, flags=("one", "none"), repeated=("many",), switches=("on", "off")
    )
    line = 'LOOK --one="a b" --many=$V --many=2 --on --off=false x\n'
    conversion_of(f"FROM scratch\nARG V=1\n{line}", kind)
    assert seen == ["a b", None, ("1", "2"), True, False, ("x",)]
    assert error_of("FROM scratch\nLOOK --mayn=1 x\n", kind) == (
        "1 |     FROM scratch\n"
        "2 | >>> LOOK --mayn=1 x\n"
        "  |          ^^^^^^\n"
        "error: Dockerfile:2:6: unknown flag: --mayn (did you mean many?)\n"
        "hint: its flags are --one, --none, --on, --off, --many"
    )
    assert "duplicate flag specified: --one" in error_of(
        "FROM scratch\nLOOK --one=1 --one=2 x", kind
    )


def test_trees_of_stages_images_and_the_context_can_be_copied() -> None:
    def take(site: Site) -> None:
        tree = site.tree("from") or site.context("file")
        site.take(site.state.copy(tree, "/x", **site.step()))

    kind = NewInstruction("TAKE", take, trees=("from",), least=0)
    for name, images in (("a", ["one"]), ("two", ["two"])):
        conversion = conversion_of(f"FROM one AS a\nFROM scratch\nTAKE --from={name}\n", kind)
        *sources, copy = ops(conversion)
        identifiers = [source["identifier"] for source in sources]
        assert [value.split("/")[-1].split(":")[0] for value in identifiers] == images
        assert copy["actions"][0]["copy"]["dest"] == "/x"
    source, _ = ops(conversion_of("FROM scratch\nTAKE\n", kind))
    assert source["attrs"]["local.followpaths"] == '["file"]'
    assert error_of("FROM scratch AS a\nTAKE --from=b\nFROM a AS b\n", kind).endswith(
        '\nerror: Dockerfile:2: cannot copy from stage "b", '
        'it needs to be defined before current stage "a"'
    )


def test_variables_in_heredocs_are_replaced_unless_quoted() -> None:
    seen: list[tuple[str, ...]] = []

    def look(site: Site) -> None:
        seen.append((*site.words, *site.documents))

    kind = NewInstruction("LOOK", look, documents=True)
    text = "LOOK x <<A <<-'B'\n$V\nA\n\t$V\nB\n"
    conversion_of(f"FROM scratch\nARG V=1\n{text}", kind)
    conversion_of(f"FROM scratch AS a\nARG V=1\nONBUILD {text}FROM a\n", kind)
    assert seen == [("x", "1\n", "$V\n")] * 2
    assert "unknown instruction: $V" in error_of(
        f"FROM scratch\n{text}", NewInstruction("LOOK", look)
    )


def test_settings_apply_to_the_image_and_processes_without_a_step() -> None:
    def configure(site: Site) -> None:
        site.configure("Labels", {"b": "2"})
        site.configure("User", site.words[0])
        site.configure("WorkingDir", "w")
        site.configure("StopSignal", "INT")
        site.set_variable("V", f"{site.env['V']}{site.config('User')}{site.platform}")

    kind = NewInstruction("SETUP", configure, is_step=False)
    conversion = conversion_of("FROM a\nLABEL a=1\nENV V=0\nSETUP me\nRUN $V\n", kind)
    config = json.loads(conversion.image_config)["config"]
    assert config["Labels"] == {"a": "1", "b": "2"}
    assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("me", "/w", "INT")
    assert config["Env"][1] == "V=0melinux/amd64"
    process = ops(conversion)[-1]["meta"]
    assert (process["user"], process["cwd"]) == ("me", "/w")
    assert "V=0melinux/amd64" in process["env"]
    assert names(conversion)[-1] == "[2/2] RUN 0melinux/amd64"
    assert history(conversion)[2:] == [("SETUP me", False), ("RUN /bin/sh -c $V # buildkit", True)]


def test_a_setting_of_the_wrong_type_is_refused() -> None:
    def configure(site: Site) -> None:
        site.configure("Cmd", "serve")

    kind = NewInstruction("SETUP", configure, is_step=False)
    with pytest.raises(DockerfileError, match="invalid value for Cmd in an image config: 'serve'"):
        conversion_of("FROM a\nSETUP me\n", kind)


def test_several_steps_have_the_same_number() -> None:
    def twice(site: Site) -> None:
        site.take(site.state.file(mkdir("/a"), **site.step()))
        site.run(["b"])

    conversion = conversion_of("FROM scratch\nTWICE x\nRUN y\n", NewInstruction("TWICE", twice))
    assert names(conversion) == ["[1/2] TWICE x", "[1/2] TWICE x", "[2/2] RUN y"]
    assert history(conversion) == [
        ("TWICE x # buildkit", True),
        ("RUN b # buildkit", True),
        ("RUN /bin/sh -c y # buildkit", True),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NOTES a", "2:1: unknown instruction: NOTES (did you mean NOTE?)"),
        ("noet a", "2:1: unknown instruction: noet (did you mean note?)"),
        ("NOTE", "2: NOTE takes 1 or more arguments, not 0"),
        ("NOTE ${V:?none}", '2: failed to process "${V:?none}": V: none'),
        ("ONBUILD NOTES a", ""),
    ],
)
def test_errors_are_reported_with_their_position(text: str, message: str) -> None:
    if not message:
        assert "unknown instruction: NOTES (did you mean NOTE?)" in error_of(
            f"FROM scratch AS a\n{text}\nFROM a", NOTE
        )
        return
    assert error_of(f"FROM scratch\n{text}\n", NOTE).endswith(f"\nerror: Dockerfile:{message}")


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(0, 0, "0 arguments, not 1"), (2, 2, "2 arguments, not 1"), (2, 3, "2 to 3 arguments, not 1")],
)
def test_the_number_of_words_is_checked(least: int, most: int, words: str) -> None:
    kind = NewInstruction("NOTE", note, least=least, most=most)
    assert f"NOTE takes {words}" in error_of("FROM scratch\nNOTE a\n", kind)


def misuse(use: str) -> Callable[[Site], None]:
    def convert(site: Site) -> None:
        match use:
            case "step":
                site.run("x")
            case "take":
                site.take(Scratch())
            case "Env":
                site.configure("Env", [])
            case _:
                site.configure(use, "")

    return convert


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("step", "instruction BAD is not a step and cannot change files"),
        ("take", "instruction BAD is not a step and cannot change files"),
        ("Env", "Env cannot be set as a whole\nhint: use set_variable()"),
        ("Labls", "unknown image config field 'Labls'\nhint: did you mean Labels?"),
    ],
)
def test_an_invalid_use_of_the_site_is_refused_at_its_line(use: str, message: str) -> None:
    kind = NewInstruction("BAD", misuse(use), is_step=False)
    report = error_of("FROM scratch\nBAD x\n", kind)
    assert report.endswith(f"\nerror: Dockerfile:2: {message}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NewInstruction("run", note), "invalid instruction name 'run'"),
        (lambda: NewInstruction("RUN", note), "instruction RUN already exists"),
        (
            lambda: NewInstruction("A", note, flags=("--b",)),
            "invalid flag name '--b' of instruction A",
        ),
        (lambda: Language([NOTE, NOTE]), "instruction NOTE already exists"),
        (lambda: Language([], [seen("StageNameCasing")]), "check StageNameCasing already exists"),
    ],
)
def test_invalid_and_duplicate_names_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make()
    assert caught.value.message.startswith(message)


def find_steps(trail: Trail) -> Iterator[Finding]:
    """Report every conversion_of instruction."""
    for step in trail.steps:
        yield Finding(step.instruction.origin, {"name": step.instruction.origin.name})


def seen(name: str) -> Check:
    return Check(
        name, find_steps, message="{name}", description="It is there", url="https://example.org"
    )


SEEN = Language([NOTE], [seen("Seen")])


def test_an_added_check_warns_in_addition_to_those_of_docker() -> None:
    text = "FROM scratch AS A\nNOTE a\n# check=skip=Seen\nNOTE b\n"
    conversion = convert(text, resolver=IMAGES, language=SEEN)
    assert conversion.warnings == (
        "StageNameCasing: Stage name 'A' should be lowercase (line 1)",
        "Seen: NOTE (line 2)",
    )
    off = convert(f"# check=skip=Seen\n{text}", resolver=IMAGES, language=SEEN)
    assert len(off.warnings) == 1


def test_a_check_warns_of_a_file_that_fails_and_reaches_the_client() -> None:
    text = "FROM scratch\nNOTE a\nSTOPSIGNAL x\n"
    outcome = run_frontend(partial(build, language=SEEN), files={"Dockerfile": text})
    assert isinstance(outcome.exception, DockerfileError)
    assert [(warning.message, warning.url) for warning in outcome.warnings] == [
        ("Seen: NOTE (line 2)", "https://example.org"),
        ("Seen: STOPSIGNAL (line 3)", "https://example.org"),
    ]


@pytest.mark.parametrize("name", ["frontend.lint", "frontend.outline", "frontend.targets"])
def test_requests_are_answered_in_the_language(name: str) -> None:
    files = {"Dockerfile": "FROM scratch AS a\nNOTE a\n"}
    outcome = run_frontend(partial(build, language=SEEN), {"requestid": name}, files=files)
    answer = outcome.checked().metadata["result.json"]
    assert (b"Seen" in answer) == (name == "frontend.lint")


def test_undefined_variables_cause_warnings() -> None:
    conversion = conversion_of("FROM scratch\nNOTE $A\n", NOTE)
    assert conversion.warnings == ("UndefinedVar: Usage of undefined variable '$A' (line 2)",)


def test_the_tables_have_all_instructions_of_docker() -> None:
    assert tuple(_BUILDERS) == INSTRUCTIONS == PLAIN.names
    assert tuple(name.upper() for name in _SPLITTERS) == INSTRUCTIONS
