"""SBOM attestations of an image, made by a custom scanner."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image
from llb.client import Client, image
from llb.client.export.oci_layout import Layout
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# BuildKit's scanner protocol: environment variables give the source and the destination.
SCANNER = """\
#!/bin/sh
set -e
cat > "$BUILDKIT_SCAN_DESTINATION/$(basename "$BUILDKIT_SCAN_SOURCE").spdx.json" <<EOF
{
  "_type": "https://in-toto.io/Statement/v0.1",
  "predicateType": "https://spdx.dev/Document",
  "predicate": {"spdxVersion": "SPDX-2.3", "name": "$BUILDKIT_SCAN_NAME",
    "files": [{"fileName": "$(cd "$BUILDKIT_SCAN_SOURCE" && find . -type f)"}]}
}
EOF
"""


@pytest.mark.feature("K17")
def test_a_custom_scanner_attaches_an_sbom_to_an_image(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    scanner = f"{registry}/test/{uuid.uuid4().hex}"
    program = Image("busybox").mkfile("/scan", SCANNER, mode=0o755).entrypoint(["/scan"])
    with Client(buildkit_host) as client:
        client.solve(program, exports=[image(scanner, push=True)])
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /found-here\n")
    layout = Layout(tmp_path / "layout")
    process = cli(
        *("build", tmp_path, "--sbom", f"generator={scanner},NAME=ours", "--provenance", "false"),
        *("-o", f"type=oci,tar=false,name=example.com/one,dest={layout.path}"),
        address=buildkit_host,
    )
    assert process.returncode == 0, process.stderr

    def read(descriptor: Mapping[str, Any]) -> Any:
        return json.loads(layout.blob(str(descriptor["digest"])).read_bytes())

    (entry,) = layout.manifests()
    image_manifest, attestation = read(entry)["manifests"]
    (statement,) = read(attestation)["layers"]
    assert statement["annotations"] == {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
    sbom = read(statement)
    (subject,) = sbom["subject"]
    assert f"sha256:{subject['digest']['sha256']}" == image_manifest["digest"]
    assert sbom["predicate"]["name"] == "ours"
    (file,) = sbom["predicate"]["files"]
    assert file["fileName"] == "./found-here"
