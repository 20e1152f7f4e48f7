"""Paths and shells of steps whose base image is not resolved."""

from __future__ import annotations

import copy
import pickle

import pytest

from llb.gocompat.path import absolute
from llb.ops.base_images import BasePath, ShellArgs, base_images, resolve_path
from llb.ops.nodes import SourceOp

BASE = SourceOp("docker-image://docker.io/library/a:latest")
WORKDIRS = ("/", "/app", "/a/b", "/raw/")


def test_the_text_of_a_path_is_that_on_an_image_without_a_working_directory() -> None:
    assert BasePath(BASE) == "/"
    assert BasePath(BASE).child_directory("src").child_file("x/", keep_slash=True) == "/src/x/"


@pytest.mark.parametrize("workdir", WORKDIRS)
@pytest.mark.parametrize("steps", [(), ("src",), ("a", "..", "b"), ("../..", "c"), ("../x", ".")])
@pytest.mark.parametrize("file", ["f", "d/", ".", "d/.", "../f"])
def test_a_path_below_a_working_directory_is_as_if_it_had_been_known(
    workdir: str, steps: tuple[str, ...], file: str
) -> None:
    cwd, later = workdir, BasePath(BASE)
    for step in steps:
        cwd, later = absolute(cwd, step), later.child_directory(step)
    assert later.below(workdir) == cwd
    for keep_slash in (False, True):
        path = resolve_path(later, file, keep_slash=keep_slash)
        assert isinstance(path, BasePath)
        assert path.below(workdir) == absolute(cwd, file, keep_slash=keep_slash)


def test_an_absolute_path_does_not_depend_on_the_image() -> None:
    assert not isinstance(resolve_path(BasePath(BASE), "/etc//hosts"), BasePath)
    assert resolve_path(BasePath(BASE), "/etc//hosts") == "/etc/hosts"
    path = BasePath(BASE).child_file("x")
    assert resolve_path("/elsewhere", path) is path


def test_a_path_is_copied_and_pickled_with_its_image() -> None:
    path = BasePath(BASE, "a", "b/", keep_slash=True)
    for other in (copy.deepcopy(path), pickle.loads(pickle.dumps(path))):
        assert other == "/a/b/"
        assert other.below("/w") == "/w/a/b/"
        assert other.base.identifier == BASE.identifier


def test_the_shell_of_a_command_is_replaced() -> None:
    words: tuple[str, ...] = ("/bin/sh", "-c", "make")
    args = ShellArgs(words)
    assert args == words
    assert ShellArgs.in_shell(args, ["/bin/bash", "-ec"]) == ("/bin/bash", "-ec", "make")


def test_a_source_depends_on_no_config() -> None:
    assert base_images([BASE]) == ()
