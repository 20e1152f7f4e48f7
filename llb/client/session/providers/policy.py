"""``PolicyVerifier``: check each source of a build with a function of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import ops_pb2, policy_pb2
from llb._pb import policysession_pb2 as pb
from llb.client.session.policy import PolicySource
from llb.client.session.providers.requests import receive
from llb.errors import LLBError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.session.policy import PolicyCheck
    from llb.grpc import Handler, ServerCall

_METHOD = "/moby.buildkit.v1.sourcepolicy.policysession.PolicyVerifier/CheckPolicy"


class PolicyVerifier:
    """A service that calls a function to check sources, if one is given."""

    def __init__(self, check: PolicyCheck | None) -> None:
        self.failures: list[LLBError] = []
        self._check = check

    def handlers(self) -> Mapping[str, Handler]:
        """Map CheckPolicy to its handler; empty without a function."""
        check = self._check
        return {} if check is None else {_METHOD: lambda call: self._answer(call, check)}

    def _answer(self, call: ServerCall, check: PolicyCheck) -> None:
        requested = receive(call, pb.CheckPolicyRequest).Source.Source
        source = PolicySource(requested.identifier, dict(requested.attrs))
        try:
            decision = _decision(source, check(source))
        except LLBError as error:
            self.failures.append(error)
            raise
        call.send(pb.CheckPolicyResponse(decision=decision).SerializeToString())


def _decision(source: PolicySource, answer: PolicySource | None) -> pb.DecisionResponse:
    if answer is None:
        return pb.DecisionResponse(action=policy_pb2.DENY)
    if answer == source:
        return pb.DecisionResponse(action=policy_pb2.ALLOW)
    update = ops_pb2.SourceOp(identifier=answer.identifier, attrs=answer.attrs)
    return pb.DecisionResponse(action=policy_pb2.CONVERT, update=update)
