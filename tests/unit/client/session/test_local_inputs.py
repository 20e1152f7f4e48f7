"""Local directories and layouts that a definition needs are checked before the build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, OCILayout, Scratch, State
from llb.client.session.local_inputs import (
    check_layouts,
    check_locals,
    local_names,
    shared_key,
    unique_name,
)
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LOCALS = (
    Scratch().copy(Local("one"), "/").copy(Local("two"), "/").copy(Local("one"), "/x").marshal()
)
DIGEST = f"sha256:{'a' * 64}"


def layout(store: str) -> State:
    return OCILayout(f"app@{DIGEST}", session_id="s", store_id=store)


def test_directories_are_named_once_each() -> None:
    assert local_names(LOCALS) == ("one", "two")
    assert local_names(Image("alpine").marshal()) == ()


@pytest.mark.parametrize(
    ("directories", "message", "hints"),
    [
        (
            {},
            "'one', and none is given",
            ("pass local_dirs={'one': DIR}", "give it with --local one=DIR"),
        ),
        (
            {"two": ""},
            "'one', and those given are two",
            ("pass local_dirs={'one': DIR}", "give it with --local one=DIR"),
        ),
        ({"one": "", "tow": ""}, "'two', and those given are one, tow", ("did you mean tow?",) * 2),
    ],
)
def test_a_missing_directory_is_refused(
    directories: dict[str, str], message: str, hints: tuple[str, str]
) -> None:
    with pytest.raises(InputError) as caught:
        check_locals(LOCALS, directories)
    assert caught.value.message == f"the build asks for the local directory {message}"
    assert (caught.value.hint, caught.value.command_hint) == hints


def test_given_directories_are_accepted() -> None:
    check_locals(LOCALS, {"one": "", "two": "", "three": ""})


@pytest.mark.parametrize(
    ("layouts", "message", "hints"),
    [
        (
            {},
            "'app', and none is given",
            ("pass oci_layouts={'app': DIR}", "give it with --oci-layout app=DIR"),
        ),
        ({"ap": ""}, "'app', and those given are ap", ("did you mean ap?",) * 2),
    ],
)
def test_a_missing_layout_is_refused(
    layouts: dict[str, str], message: str, hints: tuple[str, str]
) -> None:
    with pytest.raises(InputError) as caught:
        check_layouts(layout("app").marshal(), layouts)
    assert caught.value.message == f"the build asks for the OCI layout {message}"
    assert (caught.value.hint, caught.value.command_hint) == hints
    check_layouts(layout("app").marshal(), {"app": ""})


def test_a_layout_without_a_name_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        check_layouts(layout("").marshal(), {"app": ""})
    assert caught.value.message == "a source of the build does not name its OCI layout"


def test_the_shared_key_depends_on_names_and_paths(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    assert shared_key({}) == ""
    assert shared_key({"a": first, "b": second}) == shared_key({"b": second, "a": first})
    assert shared_key({"a": first}) not in (shared_key({"a": second}), shared_key({"b": first}))


def test_the_shared_key_does_not_depend_on_directories_that_cannot_be_mistaken(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    key = shared_key({"context": first})
    assert unique_name("lib", first) != unique_name("lib", second)
    for directory in (first, second):
        assert shared_key({"context": first, unique_name("lib", directory): directory}) == key
        assert shared_key({"context": first, "dockerfile": directory}, ["dockerfile"]) == key
        assert shared_key({"context": first, "lib": directory}) != key
    assert shared_key({"context": first, unique_name("lib", first): second}) != key
