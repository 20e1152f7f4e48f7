"""States to build: those on unresolved base images are encoded during the build.

The daemon resolves the images in the same build, so its credentials, source policy and deadline
apply to them.
"""

from __future__ import annotations

import base64
import json
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.caches import CACHE_IMPORTS
from llb.definition.definition import Definition
from llb.gateway import Result
from llb.platforms import Platform, to_platform
from llb.sources.base_images import BaseImage, needed_images, resolve_all, result_of, with_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from llb.buildkit_names import ResolveMode
    from llb.gateway import Gateway, Request
    from llb.sources.image_resolver import ResolvedImage

    Function: TypeAlias = Callable[[Request, Gateway], Result]
    Check: TypeAlias = Callable[[Definition], None]
    from llb.state.state import State


@frozen
class Encoded:
    """A definition, and the image config of its result if one is needed."""

    definition: Definition
    image_config: bytes | None

    @property
    def metadata(self) -> dict[str, bytes]:
        """The metadata of the result of a frontend."""
        return {} if self.image_config is None else {EXPORTER_IMAGE_CONFIG_KEY: self.image_config}


def _to_platform(platform: Platform | str | None) -> Platform:
    return Platform.host() if platform is None else to_platform(platform)


@frozen
class PendingState:
    """A state with the options of its encoding.

    ``platform`` applies to steps without one; the default is that of this machine. The image config
    is encoded only ``with_config``. ``unique_id`` is the ``local_unique_id`` of
    :meth:`llb.State.marshal`.
    """

    state: State = field(converter=result_of)
    platform: Platform = field(default=None, converter=_to_platform)
    with_config: bool = True
    unique_id: str = ""

    @cached_property
    def images(self) -> tuple[BaseImage, ...]:
        """The base images to resolve."""
        return needed_images(self.state, platform=self.platform, with_config=self.with_config)

    def encode(self, resolved: Mapping[BaseImage, ResolvedImage] | None = None) -> Encoded:
        """Encode the state with the given images."""
        state = with_images(self.state, resolved or {}, self.platform)
        definition = state.marshal(platform=self.platform, local_unique_id=self.unique_id)
        config = state.image_config(platform=self.platform) if self.with_config else None
        return Encoded(definition, config)


@frozen
class GatewayImages:
    """The images of a build, resolved by its daemon and named as Dockerfile builds name them."""

    gateway: Gateway

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image. Raises RemoteError."""
        return self.gateway.resolve_image_config(
            ref,
            platform=platform,
            resolve_mode=resolve_mode,
            log_name=f"[internal] load metadata for {ref}",
        )


def encode_all(states: Iterable[PendingState], gateway: Gateway) -> list[Encoded]:
    """Resolve the images of several states together, each once, and encode the states."""
    states = tuple(states)
    images = dict.fromkeys(image for state in states for image in state.images)
    resolved = resolve_all(images, GatewayImages(gateway))
    return [state.encode(resolved) for state in states]


def solve_encoded(request: Request, gateway: Gateway, encoded: Encoded) -> Result:
    """Solve a definition as the result of a build, with its caches and its image config."""
    caches = json.loads(request.options.get(CACHE_IMPORTS, "[]"))
    imports = [(cache["Type"], cache["Attrs"]) for cache in caches]
    return Result(
        gateway.solve(encoded.definition, cache_imports=imports), metadata=encoded.metadata
    )


def encoded_function(encoded: Encoded) -> Function:
    """Build the function that solves a definition, and returns its image config with the result."""

    def function(request: Request, gateway: Gateway) -> Result:
        return solve_encoded(request, gateway, encoded)

    return function


def state_function(state: PendingState, check: Check) -> Function:
    """Build the function that resolves the images of a state and solves it.

    ``check`` receives the definition before it is sent, and raises if it cannot be built.
    """

    def function(request: Request, gateway: Gateway) -> Result:
        (encoded,) = encode_all([state], gateway)
        check(encoded.definition)
        return solve_encoded(request, gateway, encoded)

    return function


def split_inputs(
    inputs: Mapping[str, State | Definition],
) -> tuple[dict[str, Definition], dict[str, PendingState]]:
    """Encode the inputs of a frontend, except for the states on unresolved base images."""
    definitions, pending = dict[str, Definition](), dict[str, PendingState]()
    for name, value in inputs.items():
        if isinstance(value, Definition):
            definitions[name] = value
            continue
        state = PendingState(value)
        if state.images:
            pending[name] = state
        else:
            definitions[name] = state.encode().definition
    return definitions, pending


def with_pending(function: Function, pending: Mapping[str, PendingState], check: Check) -> Function:
    """Build the function that resolves the images of a frontend's inputs first.

    ``function`` also receives the image configs of these inputs in its options, in place of any
    that are there already.
    """

    def resolving(request: Request, gateway: Gateway) -> Result:
        inputs, metadata = dict[str, Definition](), dict[str, str]()
        for name, encoded in zip(pending, encode_all(pending.values(), gateway), strict=True):
            check(encoded.definition)
            inputs[name] = encoded.definition
            metadata |= _input_metadata(name, encoded)
        request = evolve(request, options={**request.options, **metadata})
        return function(request, gateway.with_inputs(inputs))

    return resolving


def frontend_function(frontend: str) -> Function:
    """Build the function that runs a frontend with the options and inputs of the build."""

    def function(request: Request, gateway: Gateway) -> Result:
        return gateway.solve_frontend(frontend, request.options, inputs=gateway.inputs())

    return function


def _input_metadata(name: str, encoded: Encoded) -> dict[str, str]:
    """Build the attribute that gives a frontend the image config of an input."""
    values = {key: base64.b64encode(value).decode() for key, value in encoded.metadata.items()}
    return {f"input-metadata:{name}": json.dumps(values)} if values else {}
