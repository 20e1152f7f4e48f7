"""The job of GitHub Actions in which a builder is created, for the provenance of its builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llb.client.key_values import TRUE
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The variables that are described, in groups: all of a group or none (buildx, util/ghutil).
_GROUPS: tuple[Mapping[str, str], ...] = (
    *(
        {f"GITHUB_{name}": f"github_{name.lower()}" for name in names.split()}
        for names in (
            "ACTOR ACTOR_ID TRIGGERING_ACTOR",
            "REF REF_NAME REF_PROTECTED REF_TYPE",
            "REPOSITORY REPOSITORY_ID REPOSITORY_OWNER REPOSITORY_OWNER_ID",
            "JOB RUN_ATTEMPT RUN_ID RUN_NUMBER SERVER_URL WORKFLOW WORKFLOW_REF WORKFLOW_SHA",
        )
    ),
    {
        "ImageOS": "github_runner_image_os",
        "ImageVersion": "github_runner_image_version",
        "RUNNER_OS": "github_runner_os",
        "RUNNER_ARCH": "github_runner_arch",
        "RUNNER_ENVIRONMENT": "github_runner_environment",
        "RUNNER_TRACKING_ID": "github_runner_tracking_id",
        "RUNNER_NAME": "github_runner_name",
    },
)


def describe(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Describe the job with its event; None elsewhere. Raises InputError for an unreadable event."""
    path = environ.get("GITHUB_EVENT_PATH")
    event = environ.get("GITHUB_EVENT_NAME")
    if environ.get("GITHUB_ACTIONS") not in TRUE or not path or not event:
        return None
    job: dict[str, Any] = {"github_event_name": event, "github_event_payload": _read(path)}
    for group in _GROUPS:
        if all(map(environ.get, group)):
            job |= {key: environ[name] for name, key in group.items()}
    return job


def _read(path: str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"cannot read GITHUB_EVENT_PATH {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"GITHUB_EVENT_PATH {path} is not JSON") from error
