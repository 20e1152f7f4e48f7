"""Source policies of a client: functions that the daemon asks about each source of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from llb import Image, Local, Scratch
from llb.client import Client, PolicySource, local
from llb.errors import InputError, InvalidValueError, SolveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSYBOX = "docker-image://docker.io/library/busybox:latest"
ALPINE = "docker-image://docker.io/library/alpine:latest"


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as made:
        yield made


@pytest.mark.feature("K13", "N16")
def test_a_function_is_asked_about_every_source(client: Client, tmp_path: Path) -> None:
    asked: list[PolicySource] = []

    def allow(source: PolicySource) -> PolicySource:
        asked.append(source)
        return source

    state = Image("busybox").copy(Local("context", include=["*.txt"]), "/")
    client.solve(state, local_dirs={"context": tmp_path}, source_policy=allow)
    found = {each.identifier: each.attrs for each in asked}
    assert set(found) == {BUSYBOX, "local://context"}
    assert found["local://context"]["local.includepattern"] == '["*.txt"]'


@pytest.mark.feature("K13")
def test_a_function_refuses_a_source(client: Client) -> None:
    with pytest.raises(SolveError, match=f'source "{BUSYBOX}" not allowed by policy: action DENY'):
        client.solve(Image("busybox"), source_policy=lambda _: None)


@pytest.mark.feature("K13")
def test_a_function_names_another_source(client: Client, tmp_path: Path) -> None:
    asked: list[str] = []

    def replace(source: PolicySource) -> PolicySource:
        asked.append(source.identifier)
        return evolve(source, identifier=ALPINE) if source.identifier == BUSYBOX else source

    state = Image("busybox").run("cp /etc/os-release /found", ignore_cache=True)
    client.solve(state, source_policy=replace, exports=[local(tmp_path / "out")])
    assert "Alpine" in (tmp_path / "out" / "found").read_text()
    assert asked[:2] == [BUSYBOX, ALPINE]


@pytest.mark.feature("K13")
def test_a_function_is_asked_about_what_a_frontend_reads(client: Client, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\n")

    def check(source: PolicySource) -> PolicySource | None:
        return None if source.identifier.startswith("docker-image://") else source

    with pytest.raises(SolveError, match="not allowed by policy"):
        client.solve(
            frontend="dockerfile.v0",
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            source_policy=check,
        )


@pytest.mark.feature("K13")
def test_the_error_of_a_function_is_that_of_the_build(client: Client) -> None:
    def fail(_: PolicySource) -> PolicySource:
        raise InputError("the list of images cannot be read")

    with pytest.raises(InputError, match="the list of images cannot be read"):
        client.solve(Image("busybox"), source_policy=fail)


@pytest.mark.feature("K13")
def test_rules_that_are_none_are_refused(client: Client) -> None:
    with pytest.raises(InvalidValueError, match='no field named "ruls"'):
        client.solve(Scratch().mkdir("/x"), source_policy={"ruls": []})
