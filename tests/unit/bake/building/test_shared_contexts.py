"""A directory that several targets use is served by one session."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from llb import Local, bake
from llb.client import Client
from llb.client.session.providers import filesync
from llb.errors import InputError
from llb.gateway import Result
from llb.testing import FakeDaemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.gateway import Gateway, Request

CONTEXT = "local-sessionid:context"
BOTH = bake.Plan([bake.Target("one", target="one"), bake.Target("two", target="two")])


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, which is the context of all targets."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def daemon_that_reads(seen: dict[str, Request]) -> Iterator[Client]:
    """Serve a frontend that reads a file of the context; yield a client."""

    def frontend(request: Request, gateway: Gateway) -> Result:
        seen[request.options["target"]] = request
        context = Local("context", session_id=request.options.get(CONTEXT))
        ref = gateway.solve(context.marshal())
        assert gateway.read_file(ref, "Dockerfile") == b"FROM scratch\n"
        return Result(ref)

    daemon = FakeDaemon(frontends={"dockerfile.v0": frontend})
    with daemon, Client(daemon.address) as client:
        yield client


def test_targets_with_a_common_context_read_it_from_one_session() -> None:
    seen: dict[str, Request] = {}
    with daemon_that_reads(seen) as client:
        bake.build(BOTH, client, targets=["one", "two"])
    sessions = {request.options[CONTEXT] for request in seen.values()}
    assert len(sessions) == 1
    assert sessions.isdisjoint(request.session_id for request in seen.values())


def test_a_target_with_a_context_of_its_own_reads_it_from_its_build(project: Path) -> None:
    (project / "other").mkdir()
    (project / "other" / "Dockerfile").write_text("FROM scratch\n")
    plan = bake.Plan(
        [bake.Target("one", target="one"), bake.Target("two", target="two", context="other")]
    )
    seen: dict[str, Request] = {}
    with daemon_that_reads(seen) as client:
        bake.build(plan, client, targets=["one", "two"])
    assert [CONTEXT in request.options for request in seen.values()] == [False, False]


@pytest.mark.parametrize("error", [InputError("cannot read data"), ValueError("unexpected")])
def test_a_failure_of_the_session_is_the_failure_of_the_builds(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(filesync._Sender, "_walk", fail)
    with daemon_that_reads({}) as client, pytest.raises(type(error)) as caught:
        bake.build(BOTH, client, targets=["one", "two"])
    assert caught.value is error
