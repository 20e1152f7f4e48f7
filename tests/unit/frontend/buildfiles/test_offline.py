"""Convert build files without a daemon, and refuse what needs one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llb.dockerfile import ImageTable
from llb.dockerfile import convert as convert_dockerfile
from llb.errors import BuildFileError, InputError, InvalidValueError
from llb.frontend.buildfiles.offline import convert

DIGEST = "sha256:" + "a" * 64
CONFIG = '{"architecture":"amd64","os":"linux","config":{"Env":["A=1"],"User":"me"},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}'
IMAGES = ImageTable.from_json(json.dumps({"*": {"digest": DIGEST, "config": CONFIG}}))
HEAD = "from llb import State\nfrom llb.buildfile import Build, instructions, target\n@target\n"


def converted(body: str, **options: Any) -> Any:
    """Convert a target of one expression."""
    text = f"{HEAD}def app(build: Build, A: str = 'x') -> State:\n    return {body}\n"
    return convert(text, resolver=IMAGES, build_platform="linux/amd64", **options)


def config(body: str, **options: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(converted(body, **options).image_config)
    return decoded


def source(body: str, **options: Any) -> dict[str, str]:
    """Get the attributes of the first source."""
    attrs: dict[str, str] = converted(body, **options).definition.vertices()[0].op.get("attrs", {})
    return attrs


def test_a_build_file_has_the_steps_of_a_dockerfile() -> None:
    ours = converted('build.image("a").pipe(instructions.copy, build.context(), "f", "/").run("x")')
    theirs = convert_dockerfile(
        "FROM a\nCOPY f /\nRUN x\n", resolver=IMAGES, build_platform="linux/amd64"
    )
    assert ours.definition.ops == theirs.definition.ops
    assert ours.platform == theirs.platform


def test_the_call_sets_build_args_labels_and_the_platform() -> None:
    image = config(
        'build.scratch().label("a", A)',
        build_args={"A": "y"},
        labels={"b": "2"},
        platform="linux/arm64",
    )
    assert image["architecture"] == "arm64"
    assert image["config"]["Labels"] == {"a": "y", "b": "2"}


def test_an_explicit_platform_overrides_that_of_the_base() -> None:
    body = 'build.image("a", platform=build.build_platform)'
    assert config(body, platform="linux/arm64")["architecture"] == "arm64"


def test_a_plain_image_is_inherited_as_with_from() -> None:
    text = (
        "from llb import Image, State\nfrom llb.buildfile import target\n"
        "@target\ndef app() -> State:\n    return Image('a').run('x')\n"
    )
    plain = convert(text, resolver=IMAGES, build_platform="linux/amd64")
    (run,) = [vertex for vertex in plain.definition.vertices() if vertex.kind == "exec"]
    assert (run.op["meta"]["env"], run.op["meta"]["user"]) == (("A=1",), "me")
    assert json.loads(plain.image_config)["config"]["User"] == "me"


def test_proxy_build_args_apply_to_processes() -> None:
    conversion = converted('build.scratch().run("x")', build_args={"HTTP_PROXY": "http://p"})
    assert conversion.definition.vertices()[-2].op["meta"]["proxy_env"] == {
        "http_proxy": "http://p"
    }


def test_the_context_has_the_used_paths_without_ignored_files() -> None:
    attrs = source(
        'build.scratch().pipe(instructions.copy, build.context(), ["b", "a"], "/")',
        ignore=["*.o"],
        session_id="s",
    )
    assert attrs == {
        "local.excludepatterns": '["*.o"]',
        "local.followpaths": '["a","b"]',
        "local.session": "s",
        "local.sharedkeyhint": "context",
    }


def test_a_named_context_replaces_an_image() -> None:
    conversion = converted('build.image("base")', contexts={"base": "docker-image://other"})
    assert (
        conversion.definition.vertices()[0].op["identifier"]
        == "docker-image://docker.io/library/other:latest"
    )
    assert (
        source('build.named("src")', contexts={"src": "local:src"})["local.sharedkeyhint"]
        == "context:src"
    )


def test_files_next_to_the_build_file_can_be_imported_and_read() -> None:
    text = f"from ci.steps import NAME\n{HEAD}def app(build: Build) -> State:\n"
    text += "    return build.scratch().mkfile('/a', NAME + build.read_text('VERSION'))\n"
    files = {"ci/steps.py": b"NAME = 'n'\n", "VERSION": b"7\n"}
    conversion = convert(text, resolver=IMAGES, neighbours=files)
    (action,) = conversion.definition.vertices()[0].op["actions"]
    assert action["mkfile"]["data"] == b"n7\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("build.scratch().mkfile('/a', build.read_text('b'))", "no such file: b"),
        (
            "build.scratch().label('a', build.read_text('b', build.image('x')))",
            "cannot read b without",
        ),
        ("build.list_dir() and build.scratch()", r"cannot read \. without a daemon"),
        ("build.frontend('x')", "cannot run the frontend x without a daemon"),
        ("build.input('x')", "the build has no input x"),
    ],
)
def test_an_operation_that_needs_a_daemon_is_refused(body: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        converted(body)


def test_a_build_file_can_convert_a_dockerfile() -> None:
    body = 'build.dockerfile("FROM a\\nARG B=1\\nRUN x\\n", build_args={"B": "2"}).run("y")'
    vertices = converted(body).definition.vertices()
    assert [vertex.op["meta"]["env"][-1] for vertex in vertices[1:3]] == ["B=2", "B=2"]
    assert config(body)["config"]["Env"] == [
        "A=1",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]


def test_a_dockerfile_is_converted_for_the_requested_platform() -> None:
    body = 'build.on("linux/arm64").dockerfile("FROM a\\nRUN x\\n")'
    definition = converted(body).definition
    assert [str(vertex.platform) for vertex in definition.vertices()][:2] == ["linux/arm64"] * 2
    assert config(body)["architecture"] == "arm64"


def test_trees_replace_names_in_a_dockerfile() -> None:
    body = 'build.dockerfile("FROM b\\nCOPY --from=c /x /\\n", contexts={"c": build.scratch().mkfile("/x", "1")})'
    assert [vertex.kind for vertex in converted(body).definition.vertices()] == [
        "source",
        "file",
        "file",
        None,
    ]


def test_warnings_are_collected() -> None:
    onbuild = {"*": {"digest": DIGEST, "config": '{"config":{"OnBuild":["RUN x"]}}'}}
    images = ImageTable.from_json(json.dumps(onbuild))
    text = f"{HEAD}def app(build: Build) -> State:\n    return build.image('a')\n"
    conversion = convert(text, resolver=images)
    assert conversion.warnings == ("the ONBUILD instructions of a are not run: RUN x … (line 5)",)


def test_errors_have_their_type_and_message() -> None:
    with pytest.raises(BuildFileError, match="ZeroDivisionError"):
        converted("1 // 0")
    with pytest.raises(InvalidValueError, match="unknown target b"):
        converted("build.scratch()", target="b")
    with pytest.raises(InvalidValueError, match="returns several states"):
        converted('{"a": build.scratch(), "b": build.scratch()}')


def test_targets_that_call_each_other_are_called_once() -> None:
    stages = [f"{HEAD}def s0(build: Build) -> State:\n    return build.scratch().run('x')\n"]
    stages += [
        f"@target(default={number == 40})\n"
        f"def s{number}() -> State:\n"
        f"    return s{number - 1}().copy(s{number - 1}(), '/')\n"
        for number in range(1, 41)
    ]
    assert len(convert("".join(stages), resolver=IMAGES).definition.ops) == 42
