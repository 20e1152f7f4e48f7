"""The images of a registry on which both programs run."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from tests.fakes.registry import digest_of

if TYPE_CHECKING:
    from tests.fakes.registry import FakeRegistry, Store

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker.distribution.manifest"
ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"
REPOSITORY = "base/app"


def fill(registry: FakeRegistry) -> None:
    """Put the images into a registry; only the tag ``incomplete`` lacks a manifest."""
    store = registry.repository(REPOSITORY)
    amd64 = _image(store, {"architecture": "amd64", "os": "linux"}, "amd64")
    arm64 = _image(store, {"architecture": "arm64", "os": "linux", "variant": "v8"}, "arm64")
    _image(store, {"architecture": "arm", "os": "linux", "variant": "v7"}, "armv7", docker=True)
    docker = _image(store, {"architecture": "amd64", "os": "linux"}, "docker", docker=True)
    other = _image(store, {"architecture": "s390x", "os": "linux"}, "docker-s390x", docker=True)
    _image(store, {}, "scratch")
    _index(store, [_at(amd64, "amd64"), _at(arm64, "arm64")], "multi")
    _index(store, [_at(docker, "amd64"), _at(other, "s390x")], "list", docker=True)
    full, bare = _attest(store, amd64, full=True), _attest(store, arm64, full=False)
    _index(store, [_at(amd64, "amd64"), _at(arm64, "arm64"), full, bare], "attested")
    _index(store, [_at(amd64, "amd64"), full], "attested-one")
    _index(store, _odd(amd64, docker), "odd", annotations={"b": "2", "a": "<&>"})
    _index(store, [_at(amd64, "amd64")], "untyped", untyped=True)
    _index(store, [{**_at(amd64, "amd64"), "urls": ["https://a.test/x", "https://b.test"]}], "urls")
    missing = {"mediaType": f"{OCI}.manifest.v1+json", "digest": digest_of(b"missing"), "size": 7}
    _index(store, [_at(amd64, "amd64"), missing], "incomplete")
    referred = _image(store, {"architecture": "riscv64", "os": "linux"}, "referred")
    _attest(store, referred, full=True, subject=True)
    _index(store, [_at(referred, "riscv64")], "referred-index")
    _sign(store, referred)
    _index(store, [_at(amd64, "amd64"), _attest(store, amd64, full=True, sealed=True)], "sealed")


def _image(
    store: Store, platform: dict[str, str], tag: str, *, docker: bool = False
) -> dict[str, Any]:
    created = "2024-01-02T03:04:05.120000000Z"
    config = {
        **platform,
        "created": created,
        "author": "me & you",
        "config": {
            "User": "1000",
            "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
            "Env": ["PATH=/bin", "X=<y>"],
            "Cmd": ["sh", "-c", "a && b"],
            "Volumes": {"/data": {}},
            "Labels": {"z": "1", "a": "ü\u2028"},
            "Healthcheck": {"Test": ["CMD", "true"]},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tag.encode())]},
        "history": [
            {"created": "2024-01-02T03:04:05+00:00", "created_by": "COPY", "comment": "x"},
            {"created": "2024-01-02T03:04:05+02:00", "created_by": "CMD", "empty_layer": True},
        ],
        "unknown": 1,
    }
    if tag == "scratch":
        config = {"rootfs": {}}
    kind = "application/vnd.docker.container.image.v1+json" if docker else f"{OCI}.config.v1+json"
    layer = "application/vnd.docker.image.rootfs.diff.tar.gzip" if docker else f"{OCI}.layer.v1.tar"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{DOCKER}.v2+json" if docker else f"{OCI}.manifest.v1+json",
        "config": _blob(store, json.dumps(config).encode(), kind),
        "layers": [_blob(store, f"layer of {tag}".encode(), layer)],
    }
    return _manifest(store, manifest, tag)


def _index(
    store: Store,
    children: list[dict[str, Any]],
    tag: str,
    *,
    docker: bool = False,
    untyped: bool = False,
    **others: object,
) -> None:
    kind = f"{DOCKER}.list.v2+json" if docker else f"{OCI}.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": children, **others}
    if untyped:
        del index["mediaType"]
    digest = store.put_manifest(index, tag)
    store.manifests[digest] = (kind, store.manifests[digest][1])


def _attest(
    store: Store,
    image: dict[str, Any],
    *,
    full: bool,
    subject: bool = False,
    sealed: bool = False,
) -> dict[str, Any]:
    """Write an attestation manifest; with a subject it is a referrer, otherwise one of an index."""
    provenance = {
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "z": 1,
            "a": {"n": 1e21, "i": 12345678, "f": 0.5, "t": "<a&b>"},
            "l": [1, None],
        },
    }
    sbom = {"predicateType": "https://spdx.dev/Document", "predicate": {"SPDXID": "x", "files": []}}
    layers = [_statement(store, provenance, sealed=sealed)]
    if full:
        sboms = (sbom, {**sbom, "extra": 1})
        layers += [_statement(store, content, sealed=sealed) for content in sboms]
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": _blob(
            store, b'{"architecture":"unknown","os":"unknown"}', f"{OCI}.config.v1+json"
        ),
        "layers": layers,
    }
    if subject:
        manifest["artifactType"] = ATTESTATION
        manifest["subject"] = image
    return {
        **_manifest(store, manifest),
        "annotations": {
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        },
        "platform": {"architecture": "unknown", "os": "unknown"},
    }


def _sign(store: Store, image: dict[str, Any]) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "artifactType": COSIGN,
        "config": _blob(store, b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [_blob(store, b"signature", "application/vnd.dev.cosign.simplesigning.v1+json")],
        "subject": image,
    }
    _manifest(store, manifest)


def _odd(amd64: dict[str, Any], docker: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe images with everything that a descriptor may have."""
    windows = {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.17763.1",
        "os.features": ["win32k", "b"],
    }
    return [
        {**amd64, "annotations": {"k": "v"}, "platform": windows},
        {
            **docker,
            "annotations": {"only": "<one>"},
            "platform": {"architecture": "amd64", "os": "linux"},
        },
    ]


def _at(image: dict[str, Any], architecture: str) -> dict[str, Any]:
    return {**image, "platform": {"architecture": architecture, "os": "linux"}}


def _statement(store: Store, content: dict[str, Any], *, sealed: bool = False) -> dict[str, Any]:
    """Write a statement about an image, if it is sealed in an envelope with signatures."""
    kind, data = "application/vnd.in-toto+json", json.dumps(content).encode()
    if sealed:
        kind = "application/vnd.in-toto.any+dsse"
        envelope = {"payload": base64.b64encode(data).decode(), "signatures": []}
        data = json.dumps(envelope).encode()
    blob = _blob(store, data, kind)
    return {**blob, "annotations": {"in-toto.io/predicate-type": content["predicateType"]}}


def _blob(store: Store, data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": store.put_blob(data), "size": len(data)}


def _manifest(store: Store, content: dict[str, Any], tag: str | None = None) -> dict[str, Any]:
    digest = store.put_manifest(content, tag)
    size = len(store.manifests[digest][1])
    return {"mediaType": content["mediaType"], "digest": digest, "size": size}
