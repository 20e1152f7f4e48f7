"""A build file without a daemon: what it comes to, and what it cannot do there."""

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
HEAD = "from llb import State\nfrom llb.buildfile import Build, docker, target\n@target\n"


def made(body: str, **options: Any) -> Any:
    """Return what a target of one expression comes to."""
    text = f"{HEAD}def app(build: Build, A: str = 'x') -> State:\n    return {body}\n"
    return convert(text, resolver=IMAGES, build_platform="linux/amd64", **options)


def config(body: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made(body, **options).image_config)
    return found


def source(body: str, **options: Any) -> dict[str, str]:
    """Return the attributes of the first source."""
    found: dict[str, str] = made(body, **options).definition.vertices()[0].op.get("attrs", {})
    return found


def test_it_comes_to_what_a_dockerfile_does() -> None:
    ours = made('build.image("a").pipe(docker.copy, build.context(), "f", "/").run("x")')
    theirs = convert_dockerfile(
        "FROM a\nCOPY f /\nRUN x\n", resolver=IMAGES, build_platform="linux/amd64"
    )
    assert ours.definition.ops == theirs.definition.ops
    assert ours.platform == theirs.platform


def test_build_args_labels_and_the_platform_are_those_of_the_call() -> None:
    found = config(
        'build.scratch().label("a", A)',
        build_args={"A": "y"},
        labels={"b": "2"},
        platform="linux/arm64",
    )
    assert found["architecture"] == "arm64"
    assert found["config"]["Labels"] == {"a": "y", "b": "2"}


def test_an_explicit_platform_is_that_of_the_image_whatever_its_base_is_for() -> None:
    body = 'build.image("a", platform=build.build_platform)'
    assert config(body, platform="linux/arm64")["architecture"] == "arm64"


def test_proxies_among_the_build_args_are_for_processes() -> None:
    found = made('build.scratch().run("x")', build_args={"HTTP_PROXY": "http://p"})
    assert found.definition.vertices()[-2].op["meta"]["proxy_env"] == {"http_proxy": "http://p"}


def test_the_context_has_what_steps_use_without_what_is_ignored() -> None:
    found = source(
        'build.scratch().pipe(docker.copy, build.context(), ["b", "a"], "/")',
        ignore=["*.o"],
        session_id="s",
    )
    assert found == {
        "local.excludepatterns": '["*.o"]',
        "local.followpaths": '["a","b"]',
        "local.session": "s",
        "local.sharedkeyhint": "context",
    }


def test_a_named_context_stands_for_an_image() -> None:
    found = made('build.image("base")', contexts={"base": "docker-image://other"})
    assert (
        found.definition.vertices()[0].op["identifier"]
        == "docker-image://docker.io/library/other:latest"
    )
    assert (
        source('build.named("src")', contexts={"src": "local:src"})["local.sharedkeyhint"]
        == "context:src"
    )


def test_neighbours_can_be_imported_and_read() -> None:
    text = f"from ci.steps import NAME\n{HEAD}def app(build: Build) -> State:\n"
    text += "    return build.scratch().mkfile('/a', NAME + build.read_text('VERSION'))\n"
    files = {"ci/steps.py": b"NAME = 'n'\n", "VERSION": b"7\n"}
    done = convert(text, resolver=IMAGES, neighbours=files)
    (action,) = done.definition.vertices()[0].op["actions"]
    assert action["mkfile"]["data"] == b"n7\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("build.scratch().mkfile('/a', build.read_text('b'))", "there is no b"),
        ("build.scratch().label('a', build.read_text('b', build.image('x')))", "b cannot be read"),
        ("build.list_dir() and build.scratch()", ". cannot be read without a daemon"),
        ("build.frontend('x')", "the frontend x cannot be run without a daemon"),
        ("build.input('x')", "the build has no input x"),
    ],
)
def test_what_needs_a_daemon_is_refused(body: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(body)


def test_a_dockerfile_is_part_of_it() -> None:
    body = 'build.dockerfile("FROM a\\nARG B=1\\nRUN x\\n", build_args={"B": "2"}).run("y")'
    vertices = made(body).definition.vertices()
    assert [each.op["meta"]["env"][-1] for each in vertices[1:3]] == ["B=2", "B=2"]
    assert config(body)["config"]["Env"] == [
        "A=1",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]


def test_a_dockerfile_is_built_for_the_platform_that_the_file_asks_for() -> None:
    body = 'build.on("linux/arm64").dockerfile("FROM a\\nRUN x\\n")'
    definition = made(body).definition
    assert [str(each.platform) for each in definition.vertices()][:2] == ["linux/arm64"] * 2
    assert config(body)["architecture"] == "arm64"


def test_trees_stand_for_names_of_a_dockerfile() -> None:
    body = 'build.dockerfile("FROM b\\nCOPY --from=c /x /\\n", contexts={"c": build.scratch().mkfile("/x", "1")})'
    assert [each.kind for each in made(body).definition.vertices()] == [
        "source",
        "file",
        "file",
        None,
    ]


def test_warnings_are_handed_on() -> None:
    onbuild = {"*": {"digest": DIGEST, "config": '{"config":{"OnBuild":["RUN x"]}}'}}
    images = ImageTable.from_json(json.dumps(onbuild))
    text = f"{HEAD}def app(build: Build) -> State:\n    return build.image('a')\n"
    done = convert(text, resolver=images)
    assert done.warnings == ("the ONBUILD instructions of a are not run: RUN x … (line 5)",)


def test_mistakes_are_told_with_their_lines() -> None:
    with pytest.raises(BuildFileError, match="ZeroDivisionError"):
        made("1 // 0")
    with pytest.raises(InvalidValueError, match="there is no target b"):
        made("build.scratch()", target="b")
    with pytest.raises(InvalidValueError, match="makes several trees"):
        made('{"a": build.scratch(), "b": build.scratch()}')


def test_targets_that_call_each_other_are_called_once() -> None:
    stages = [f"{HEAD}def s0(build: Build) -> State:\n    return build.scratch().run('x')\n"]
    stages += [
        f"@target(default={number == 40})\n"
        f"def s{number}() -> State:\n"
        f"    return s{number - 1}().copy(s{number - 1}(), '/')\n"
        for number in range(1, 41)
    ]
    assert len(convert("".join(stages), resolver=IMAGES).definition.ops) == 42
