"""Source policies of a client: functions that decide about each source of a build."""

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
    with Client(buildkit_host) as client:
        yield client


@pytest.mark.feature("K13", "N16")
def test_a_policy_function_sees_every_source(client: Client, tmp_path: Path) -> None:
    sources: list[PolicySource] = []

    def allow(source: PolicySource) -> PolicySource:
        sources.append(source)
        return source

    state = Image("busybox").copy(Local("context", include=["*.txt"]), "/")
    client.solve(state, local_dirs={"context": tmp_path}, source_policy=allow)
    attrs_by_identifier = {
        source_of_build.identifier: source_of_build.attrs for source_of_build in sources
    }
    assert set(attrs_by_identifier) == {BUSYBOX, "local://context"}
    assert attrs_by_identifier["local://context"]["local.includepattern"] == '["*.txt"]'


@pytest.mark.feature("K13")
def test_a_policy_function_refuses_a_source(client: Client) -> None:
    with pytest.raises(SolveError, match=f'source "{BUSYBOX}" not allowed by policy: action DENY'):
        client.solve(Image("busybox"), source_policy=lambda _: None)


@pytest.mark.feature("K13")
def test_a_policy_function_replaces_a_source(client: Client, tmp_path: Path) -> None:
    identifiers: list[str] = []

    def replace(source: PolicySource) -> PolicySource:
        identifiers.append(source.identifier)
        return evolve(source, identifier=ALPINE) if source.identifier == BUSYBOX else source

    state = Image("busybox").run("cp /etc/os-release /found", ignore_cache=True)
    client.solve(state, source_policy=replace, exports=[local(tmp_path / "out")])
    assert "Alpine" in (tmp_path / "out" / "found").read_text()
    assert identifiers[:2] == [BUSYBOX, ALPINE]


@pytest.mark.feature("K13")
def test_a_policy_function_sees_the_sources_of_a_frontend(client: Client, tmp_path: Path) -> None:
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
def test_an_error_of_a_policy_function_fails_the_build(client: Client) -> None:
    def fail(_: PolicySource) -> PolicySource:
        raise InputError("the list of images cannot be read")

    with pytest.raises(InputError, match="the list of images cannot be read"):
        client.solve(Image("busybox"), source_policy=fail)


@pytest.mark.feature("K13")
def test_invalid_policy_rules_are_refused(client: Client) -> None:
    with pytest.raises(InvalidValueError, match='no field named "ruls"'):
        client.solve(Scratch().mkdir("/x"), source_policy={"ruls": []})
