"""Turn a target into the options of an image build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import evolve

from llb._lazy import lazy_imports
from llb.bake.building import policies
from llb.bake.definitions.preparation import WORKING_DIRECTORY, is_remote
from llb.client.entitlements import to_entitlement
from llb.client.image_build.request import to_image_build
from llb.errors import BakeFileError, InputError, InvalidValueError
from llb.gocompat.path import join

with lazy_imports(__name__):
    from llb.client import caches  # 0.0 ms
    from llb.client.session import (
        secrets,  # 1 ms
        ssh_agent_spec,  # 0.9 ms
    )

if TYPE_CHECKING:
    from llb.bake.definitions.target import Target
    from llb.client.image_build.request import ImageBuild

LINK = "target:"
_CACHE_ONLY = "cacheonly"
_ATTESTATIONS = ("provenance", "sbom")


def links(target: Target) -> dict[str, str]:
    """The names of the targets that a target uses as contexts, by the names of the contexts."""
    return {
        name: value.removeprefix(LINK)
        for name, value in (target.contexts or {}).items()
        if value.startswith(LINK)
    }


def platforms(target: Target) -> list[str]:
    """The platforms of a target by their names; without any, it is that of the daemon."""
    names = [name for text in target.platforms or () for name in text.split(",")]
    return [name for name in names if name.lower() != "local"]


def image_build(target: Target) -> ImageBuild:
    """Prepare the build of a target without its links. Raises BakeFileError and InputError."""
    try:
        prepared = to_image_build(target.context or ".", _options(target))  # type: ignore[arg-type]
    except (InvalidValueError, InputError) as error:
        error.message = f"target {target.name}: {error.message}"
        raise
    if not any(policy.disabled for policy in target.policy or ()):
        policies.refuse(prepared.request.policy_file)
    if not _outputs(target) and not target.tags:
        # The result stays in the cache of the daemon.
        return evolve(prepared, options={**prepared.options, "exports": []})
    return prepared


def _options(target: Target) -> dict[str, Any]:
    options: dict[str, Any] = {
        "file": None if target.dockerfile_inline else _dockerfile(target),
        "dockerfile_inline": target.dockerfile_inline or None,
        "build_args": target.args,
        "labels": target.labels,
        "tags": target.tags,
        "target": target.target,
        "platforms": platforms(target) or None,
        "outputs": _outputs(target),
        "contexts": _contexts(target),
        "cache_from": [
            caches.check_source(caches.parse_cache(str(each))) for each in target.cache_from or ()
        ],
        "cache_to": [
            caches.check_target(caches.parse_cache(str(each))) for each in target.cache_to or ()
        ],
        "secrets": dict(secrets.parse_secret(str(each)) for each in target.secrets or ()),
        "ssh": [ssh_agent_spec.parse_agent(str(each)) for each in target.ssh or ()],
        "pull": target.pull or False,
        "no_cache": True if target.no_cache else list(target.no_cache_filter or ()) or False,
        "network": target.network or None,
        "shm_size": target.shm_size or None,
        "ulimits": target.ulimits,
        "extra_hosts": target.extra_hosts,
        "allow": [to_entitlement(each) for each in target.entitlements or ()],
        "annotations": target.annotations or (),
        "resources": None if target.resources is None else target.resources.limits,
        **_attestations(target),
    }
    _check_policy(target)
    return {name: value for name, value in options.items() if value is not None}


def _dockerfile(target: Target) -> str:
    """The path of the Dockerfile, which is relative to the context."""
    file = target.dockerfile or "Dockerfile"
    if file.startswith(WORKING_DIRECTORY):
        return os.path.abspath(file.removeprefix(WORKING_DIRECTORY))  # noqa: PTH100
    context = target.context or "."
    if is_remote(context) or file.startswith("/"):
        return file
    return join(context, file)


def _outputs(target: Target) -> list[str]:
    return [str(each) for each in target.outputs or () if each.type != _CACHE_ONLY]


def _contexts(target: Target) -> dict[str, str]:
    return {
        name: value.removeprefix(WORKING_DIRECTORY) or "."
        for name, value in (target.contexts or {}).items()
        if not value.startswith(LINK)
    }


def _attestations(target: Target) -> dict[str, Any]:
    options: dict[str, Any] = {}
    others: dict[str, bool | str] = {}
    for each in target.attest or ():
        parameters = ",".join(f"{key}={value}" for key, value in sorted(each.attributes.items()))
        value: bool | str = False if each.disabled else parameters or True
        if each.type in _ATTESTATIONS:
            options[each.type] = value
        else:
            others[each.type] = value
    if others:
        options["attestations"] = others
    return options


def _check_policy(target: Target) -> None:
    for policy in target.policy or ():
        if policy.files and not policy.disabled:
            raise BakeFileError(
                f"target {target.name}: policies in Rego are not supported", hint=policies.HINT
            )
