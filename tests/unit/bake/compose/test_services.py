"""Compose files that cannot be built: the path of the element, and the nearest name."""

from __future__ import annotations

import pytest

from llb import bake
from llb.bake.compose import yaml_text
from llb.errors import BakeFileError


def load(text: str) -> bake.Plan:
    return bake.load(bake.BakeFile("compose.yaml", text), environ={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: [", "compose.yaml:1:12: invalid YAML:"),
        ("- a", "compose.yaml: the top level must be a mapping"),
        ("services: x", "compose.yaml: services must be a mapping"),
        ("{}", "empty compose file"),
        ("services: {a: x}", "compose.yaml: services.a must be a mapping"),
        ("services: {a: {}}", "services.a has neither an image nor a build context"),
        ("services: {a: {build: 1}}", "services.a.build must be a text or a mapping"),
        ("services: {a: {build: {tag: [x]}}}", "services.a.build: unknown element 'tag' (did you"),
        ("services: {a: {build: {tags: x}}}", "services.a.build.tags must be a list"),
        ("services: {a: {build: {args: x}}}", "services.a.build.args: a mapping or a list of KEY"),
        ("services: {a: {build: {pull: x}}}", "services.a.build.pull must be true or false"),
        ("services: {a: {build: {secrets: [x]}}}", "services.a.build: the secret 'x' is not defi"),
        ("services: {a: {build: {shm_size: x}}}", "services.a.build: invalid shm_size 'x'"),
        ("services: {a: {extends: b}}", "compose.yaml: services.a extends 'b', which compose.yaml"),
        ("services: {a: {extends: a}}", "compose.yaml: the service 'a' extends itself"),
        ("services: {a: {extends: {}}}", "compose.yaml: services.a.extends needs a service"),
        ("services: {'a b': {build: .}}", "invalid service name 'a b'"),
        ("include: [x]", "compose.yaml: include is not supported (name all files with -f)"),
        ("services: {a: {build: {x-bake: {tgs: x}}}}", "services.a.build.x-bake: unknown element"),
    ],
)
def test_an_error_names_the_path(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        load(text)
    assert str(caught.value).startswith(message)


def test_plain_values_are_those_of_yaml_1_2() -> None:
    text = "services: {a: {build: {args: {A: yes, B: true, C: 010, D: 1.0, E: 0x10, F: ''}}}}"
    assert load(text)["a"].args == {
        "A": "yes",
        "B": "true",
        "C": "8",
        "D": "1",
        "E": "16",
        "F": "",
    }


def test_reset_and_override_replace_earlier_values() -> None:
    first = "services: {a: {build: {context: x, args: {A: '1'}, tags: [t], labels: {l: m}}}}"
    second = "services: {a: {build: {args: !override {B: '2'}, tags: !reset [], labels: {n: o}}}}"
    plan = bake.load([bake.BakeFile("a.yml", first), bake.BakeFile("b.yml", second)], environ={})
    target = plan["a"]
    assert (target.args, target.tags, target.labels) == ({"B": "2"}, None, {"l": "m", "n": "o"})


def test_aliases_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_MOST_NODES", 1000)
    lines = ["a0: &a0 [x, x, x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 12)]
    with pytest.raises(BakeFileError, match="more than a million values"):
        load("\n".join(lines))
