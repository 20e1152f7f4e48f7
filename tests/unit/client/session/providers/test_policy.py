"""A function of the client decides on each source of a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb._pb import policy_pb2
from llb._pb import policysession_pb2 as pb
from llb.client.session.policy import PolicySource, read_policy, to_policy
from llb.client.session.providers.policy import PolicyVerifier
from llb.errors import InputError, InvalidValueError, RemoteError
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METHOD = "/moby.buildkit.v1.sourcepolicy.policysession.PolicyVerifier/CheckPolicy"
SOURCE = PolicySource("docker-image://docker.io/library/alpine:latest", {"a": "1"})
OTHER = PolicySource("docker-image://docker.io/library/debian:latest", {"b": "2"})


def decide(check: Callable[[PolicySource], PolicySource | None]) -> pb.DecisionResponse:
    """Ask a function about a source, and return the decision."""
    request = pb.CheckPolicyRequest()
    request.Source.Source.identifier = SOURCE.identifier
    request.Source.Source.attrs.update(SOURCE.attrs)
    with offered(PolicyVerifier(check)) as channel:
        answer = channel.call(METHOD, request.SerializeToString(), timeout=30)
    return pb.CheckPolicyResponse.FromString(answer).decision


def test_a_source_is_allowed_denied_or_replaced() -> None:
    checked: list[PolicySource] = []

    def allow(source: PolicySource) -> PolicySource:
        checked.append(source)
        return source

    assert decide(allow).action == policy_pb2.ALLOW
    assert checked == [SOURCE]
    assert decide(lambda _: None).action == policy_pb2.DENY
    replaced = decide(lambda _: OTHER)
    assert replaced.action == policy_pb2.CONVERT
    assert PolicySource(replaced.update.identifier, dict(replaced.update.attrs)) == OTHER


def test_an_error_of_the_function_fails_the_build() -> None:
    def failing(_: PolicySource) -> PolicySource:
        raise InputError("no list of sources")

    service = PolicyVerifier(failing)
    with offered(service) as channel, pytest.raises(RemoteError, match="no list of sources"):
        channel.call(METHOD, b"", timeout=30)
    assert [failure.message for failure in service.failures] == ["no list of sources"]


def test_without_a_function_nothing_is_offered() -> None:
    assert PolicyVerifier(None).handlers() == {}


RULES = {"rules": [{"action": "DENY", "selector": {"identifier": "docker-image://*"}}]}


def test_rules_are_buildkits_json(tmp_path: Path) -> None:
    (rule,) = to_policy(RULES).rules
    assert (rule.action, rule.selector.identifier) == (policy_pb2.DENY, "docker-image://*")
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(RULES))
    assert read_policy(path) == RULES


def test_invalid_rules_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid source policy: "):
        to_policy({"rulez": []})
    path = tmp_path / "policy.json"
    path.write_text('{"rulez": []}')
    with pytest.raises(InputError) as caught:
        read_policy(path)
    assert caught.value.message.startswith(f"cannot use {path}: invalid source policy: ")
