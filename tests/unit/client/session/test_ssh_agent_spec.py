"""Specifications of ssh agents are parsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from llb.client.session.ssh_agent_spec import AgentSpec, parse_agent
from llb.errors import InvalidValueError


@pytest.mark.feature("N9")
@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("default", AgentSpec()),
        ("mine=/key,/other", AgentSpec("mine", keys=(Path("/key"), Path("/other")))),
        ("mine=/any,raw=true", AgentSpec("mine", socket=Path("/any"), raw=True)),
    ],
)
def test_agents_are_parsed_as_by_buildctl(text: str, spec: AgentSpec) -> None:
    assert parse_agent(text) == spec


@pytest.mark.parametrize("text", ["", "=x", "a=", "a=x,y,raw=true"])
def test_an_invalid_agent_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid ssh"):
        parse_agent(text)
