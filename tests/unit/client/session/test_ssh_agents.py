"""Unusable ssh agents are refused before the build."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError, InvalidValueError


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (AgentSpec(), "ssh default: no agent: SSH_AUTH_SOCK is not set"),
        (AgentSpec(socket=Path("/none")), "ssh default: /none is not a socket"),
        (AgentSpec(keys=(Path("/none"),)), "ssh default: key /none does not exist"),
    ],
)
def test_unusable_agents_are_refused_before_the_build(spec: AgentSpec, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Agents([spec], environ={})
    assert caught.value.message == message


def test_an_agent_is_named_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        spec = AgentSpec("a", socket=tmp_path / "agent")
        with pytest.raises(InvalidValueError) as caught:
            Agents([spec, spec])
    assert caught.value.message == "the ssh agent a is named twice"
