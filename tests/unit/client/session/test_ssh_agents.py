"""Ssh agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (AgentSpec(), "ssh default: there is no agent: SSH_AUTH_SOCK is not set"),
        (AgentSpec(socket=Path("/none")), "ssh default: /none is no socket"),
        (AgentSpec(keys=(Path("/none"),)), "ssh default: there is no key /none"),
    ],
)
def test_agents_that_cannot_be_lent_are_told_before_the_build(
    spec: AgentSpec, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        Agents([spec], environ={})
    assert caught.value.message == message
