"""Docker's API is found by contexts and variables, in the order of Docker's CLI."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llb.client import TLS
from llb.client.connect.docker.contexts import Endpoint, find_endpoint
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_context(folder: Path, name: str, content: object) -> Path:
    """Write a context as Docker's CLI does; return the folder for its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / "contexts" / "tls" / key / "docker"


def endpoint_of(host: str, **more: object) -> dict[str, object]:
    return {"Endpoints": {"docker": {"Host": host, **more}}}


@pytest.mark.feature("J6")
@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        ("docker://", {}, "unix:///of-config"),
        ("docker://", {"DOCKER_CONTEXT": "second"}, "unix:///of-second"),
        ("docker://", {"DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock"),
        ("docker://", {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "second"}, "tcp://h:1"),
        ("docker://second", {"DOCKER_HOST": "tcp://h:1"}, "unix:///of-second"),
        ("docker://default", {"DOCKER_HOST": "tcp://h:1"}, "tcp://h:1"),
        ("docker://default", {}, "unix:///var/run/docker.sock"),
        ("docker://", {"DOCKER_HOST": "unix://"}, "unix:///var/run/docker.sock"),
        ("docker://", {"DOCKER_HOST": "npipe://"}, "npipe:////./pipe/docker_engine"),
        ("unix:///x/docker.sock", {"DOCKER_HOST": "tcp://h:1"}, "unix:///x/docker.sock"),
    ],
)
def test_the_order_is_that_of_dockers_cli(
    address: str, environ: Mapping[str, str], expected: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "first"}')
    write_context(tmp_path, "first", endpoint_of("unix:///of-config"))
    write_context(tmp_path, "second", endpoint_of("unix:///of-second"))
    endpoint = find_endpoint(address, {"DOCKER_CONFIG": str(tmp_path), **environ})
    assert endpoint == Endpoint(expected)


@pytest.mark.parametrize(
    "host",
    ["unix:///Users/me/.docker/run/docker.sock", "npipe:////./pipe/dockerDesktopLinuxEngine"],
)
def test_docker_desktop_is_found_by_the_context_that_it_selects(host: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "desktop-linux"}')
    write_context(tmp_path, "desktop-linux", endpoint_of(host, SkipTLSVerify=False))
    endpoint = find_endpoint("docker://", {"DOCKER_CONFIG": str(tmp_path)})
    assert endpoint == Endpoint(host)


def test_certificates_come_from_a_context_or_from_variables(tmp_path: Path) -> None:
    folder = write_context(tmp_path, "safe", endpoint_of("tcp://h:1"))
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("x")
    files = TLS(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    config = {"DOCKER_CONFIG": str(tmp_path)}
    assert find_endpoint("docker://safe", config) == Endpoint("tcp://h:1", files)
    verified = {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", **config}
    explicit = {"DOCKER_CERT_PATH": str(folder), **verified}
    assert find_endpoint("docker://", explicit) == Endpoint("tcp://h:1", files)
    (tmp_path / "ca.pem").write_text("x")
    expected = Endpoint("tcp://h:1", TLS(tmp_path / "ca.pem"))
    assert find_endpoint("docker://", verified) == expected
    local = {**verified, "DOCKER_HOST": "unix:///x"}
    assert find_endpoint("docker://", local) == Endpoint("unix:///x")


@pytest.mark.parametrize("content", ["not json", "[]", {}, {"Endpoints": {}}, {"Endpoints": None}])
def test_a_context_without_an_endpoint_is_an_error(content: object, tmp_path: Path) -> None:
    write_context(tmp_path, "x", content)
    with pytest.raises(InputError, match=r"meta\.json has no endpoint for docker's context 'x'"):
        find_endpoint("docker://x", {"DOCKER_CONFIG": str(tmp_path)})


def test_a_context_without_verification_is_refused(tmp_path: Path) -> None:
    write_context(tmp_path, "x", endpoint_of("tcp://h:1", SkipTLSVerify=True))
    with pytest.raises(InputError, match="'x' trusts any certificate, which is not supported"):
        find_endpoint("docker://x", {"DOCKER_CONFIG": str(tmp_path)})


def test_a_missing_context_is_an_error(tmp_path: Path) -> None:
    config = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(InputError, match="docker has no context 'x'"):
        find_endpoint("docker://x", config)
    with pytest.raises(InvalidValueError, match=r"expected docker://\[CONTEXT\]"):
        find_endpoint("docker://x/y", config)
