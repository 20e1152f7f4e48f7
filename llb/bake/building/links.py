"""Results that wait: for the targets that use them as contexts, or for the results of all others.

The definition of a result names directories of the session of its build. So the build of a linked
target waits, with its session open, until all that use its result are done.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.errors import CancelledError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.image_build.request import FrontendRequest
    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Request, Result


@define(eq=False)
class Link:
    """The result of a linked target, once it is known, and how many targets still need it."""

    name: str
    users: int
    _result: Result | None = None
    _known: threading.Event = field(factory=threading.Event)
    _unused: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)

    def publish(self, result: Result) -> None:
        """Give the result to the targets that wait for it."""
        self._result = result
        self._known.set()

    def wait_for_users(self) -> None:
        """Wait until the targets that use the result are done."""
        if self.users > 0:
            self._unused.wait()

    def wait(self) -> Result:
        """Wait for the result. Raises CancelledError if there will be none."""
        self._known.wait()
        if self._result is None:
            raise CancelledError(f"the target {self.name}, which it uses, was not built")
        return self._result

    def leave(self) -> None:
        """Say that one of the targets does not need the result any more."""
        with self._lock:
            self.users -= 1
            if self.users <= 0:
                self._unused.set()

    def close(self) -> None:
        """Release everybody: the build has ended, or there will be none."""
        self._known.set()
        self._unused.set()


@frozen
class Inputs:
    """Inputs of a frontend, and the attributes that name them as contexts."""

    attrs: dict[str, str] = field(factory=dict)
    definitions: dict[str, Definition] = field(factory=dict)

    def add(self, context: str, link: Link) -> None:
        """Add the result of a linked target as a named context. Raises CancelledError."""
        result = link.wait()
        if result.ref is not None:
            self._add(context, link.name, "", result)
        for platform in result.refs:
            self._add(context, link.name, platform, result)

    def _add(self, context: str, name: str, platform: str, result: Result) -> None:
        suffix = f"::{platform}" if platform else ""
        ref = result.refs[platform] if platform else result.ref
        assert ref is not None
        definition = ref.definition
        if definition is None:
            raise TransportError(f"the daemon sent no definition of the target {name}")
        key = f"{name}{suffix}"
        self.definitions[key] = definition
        self.attrs[f"context:{context}{suffix}"] = f"input:{key}"
        config_key = EXPORTER_IMAGE_CONFIG_KEY + (f"/{platform}" if platform else "")
        config = result.metadata.get(config_key)
        if config is not None:
            encoded = {EXPORTER_IMAGE_CONFIG_KEY: base64.b64encode(config).decode()}
            self.attrs[f"input-metadata:{key}"] = json.dumps(encoded)


@frozen
class LinkedPart:
    """A build on one node: the results that it uses, and the link to its own, if it has users."""

    inputs: Inputs
    link: Link | None = None


@frozen
class HeldBuild:
    """The function of a build whose results are held back, or that has other inputs on each node.

    Other targets use a result that has a link. With a ``barrier``, results are exported once those
    of all targets are built. ``parts`` has the builds of the nodes by their platforms.
    """

    request: FrontendRequest
    parts: Mapping[str, LinkedPart]
    barrier: threading.Barrier | None = None

    def __call__(self, request: Request, gateway: Gateway) -> Result:
        """Solve the frontend for a node, and hand over its result. Raises CancelledError."""
        part = self._part(request.options.get("platform", ""))
        if self.request.function is not None:
            result = self.request.function(request, gateway)
        else:
            own = {key: state.marshal() for key, state in self.request.inputs.items()}
            result = gateway.solve_frontend(
                self.request.frontend,
                {**request.options, **part.inputs.attrs},
                inputs={**own, **part.inputs.definitions},
            )
        if part.link is not None:
            part.link.publish(result)
        if self.barrier is not None:
            for ref in filter(None, (result.ref, *result.refs.values())):
                # A tree is built when something in it is looked at.
                gateway.stat_file(ref, "/")
            _wait_at(self.barrier)
        if part.link is not None:
            part.link.wait_for_users()
        return result

    def _part(self, platforms: str) -> LinkedPart:
        return self.parts[platforms] if len(self.parts) > 1 else next(iter(self.parts.values()))


def _wait_at(barrier: threading.Barrier) -> None:
    try:
        barrier.wait()
    except threading.BrokenBarrierError:
        raise CancelledError("nothing is exported, because another target failed") from None
