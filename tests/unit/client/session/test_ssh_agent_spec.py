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
        ("=/key", AgentSpec(keys=(Path("/key"),))),
        ("mine=", AgentSpec("mine")),
        ("mine=/any,raw=true", AgentSpec("mine", socket=Path("/any"), raw=True)),
        ("mine=raw=1,/any", AgentSpec("mine", socket=Path("/any"), raw=True)),
        ("mine=/any,raw=F", AgentSpec("mine", keys=(Path("/any"),))),
    ],
)
def test_agents_are_parsed_as_by_buildctl(text: str, spec: AgentSpec) -> None:
    assert parse_agent(text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid ssh ''"),
        ("a=x,y,raw=true", "invalid ssh 'a=x,y,raw=true': raw=true needs one socket"),
        ("a=x,raw=yes", "invalid raw of the ssh agent a 'yes': expected true or false"),
    ],
)
def test_an_invalid_agent_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        parse_agent(text)
