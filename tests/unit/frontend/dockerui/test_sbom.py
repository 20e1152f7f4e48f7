"""SBOMs: a scanner image scans the stages that build args select."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.frontend.build import build
from llb.testing.gateway import Outcome, run_frontend
from llb.testing.graphs import steps

if TYPE_CHECKING:
    from llb.testing.graphs import Step

DOCKERFILE = """\
{head}
FROM alpine AS one
{one}
RUN make one
FROM alpine AS two
RUN make two
FROM scratch
COPY --from=one / /
COPY --from=two / /
{last}
"""


def built(
    head: str = "", one: str = "", last: str = "", config: str = '{"Cmd": ["/scan"]}'
) -> Outcome:
    dockerfile = DOCKERFILE.format(head=head, one=one, last=last)
    return run_frontend(
        build,
        {"attest:sbom": "generator=example.com/scanner"},
        files={"Dockerfile": dockerfile},
        images={"alpine": "{}", "example.com/scanner": f'{{"config": {config}}}'},
    )


def scanner(outcome: Outcome) -> Step:
    definition = outcome.solves[-1].definition
    assert definition is not None
    return steps(definition)[-1]


@pytest.mark.parametrize(
    ("lines", "extras"),
    [
        ({}, []),
        ({"head": "ARG BUILDKIT_SBOM_SCAN_STAGE=true"}, ["one", "two"]),
        ({"head": "ARG BUILDKIT_SBOM_SCAN_STAGE=two"}, ["two"]),
        ({"one": "ARG BUILDKIT_SBOM_SCAN_STAGE=true"}, ["one"]),
        (
            {
                "head": "ARG BUILDKIT_SBOM_SCAN_STAGE=true",
                "one": "ARG BUILDKIT_SBOM_SCAN_STAGE=false",
            },
            ["two"],
        ),
        ({"last": "ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\nCOPY x /"}, ["context"]),
    ],
)
def test_build_args_select_the_scanned_stages(lines: dict[str, str], extras: list[str]) -> None:
    process = scanner(built(**lines))
    targets = [mount["dest"] for mount in process.vertex.op["mounts"]]
    assert targets == [
        "/",
        "/run/out/",
        "/run/src/core/sbom",
        *(f"/run/src/extras/sbom-{name}" for name in extras),
        "/tmp",
    ]
    expected = "/run/src/extras" if extras else None
    assert process.env.get("BUILDKIT_SCAN_SOURCE_EXTRAS") == expected


def test_a_scanner_runs_with_the_settings_of_its_image() -> None:
    config = {"Entrypoint": ["/scan"], "Cmd": ["all"], "WorkingDir": "/work", "Env": ["A=1"]}
    process = scanner(built(config=json.dumps(config)))
    assert (process.args, process.cwd) == (("/scan", "all"), "/work")
    assert process.env["A"] == "1"


def test_a_scanner_without_a_command_is_refused() -> None:
    outcome = built(config="{}")
    assert outcome.error is not None
    assert outcome.error.message == "scanner example.com/scanner:latest does not have cmd"
