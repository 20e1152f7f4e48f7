"""``llb builder``: create, choose, inspect and remove builders, which buildx uses, too."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

import llb.client
from llb._lazy import lazy_imports
from llb.cli.output_tables import ago
from llb.cli.sections import Command, Group, Section
from llb.errors import InvalidValueError

with lazy_imports(__name__):
    from llb.client.builders import node_options  # 30 ms
    from llb.client.progress import display as progress  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client import Builder, NodeReport
    from llb.platforms import Platform

_NAME = click.argument("name", required=False)
_NODE = Section("Node")
_SHOWN_PLATFORMS = 4


@click.group(cls=Group)
def builder() -> None:
    """Manage builders: named sets of BuildKit daemons.

    Builders are those of `docker buildx`. A build uses the one in use, or --builder NAME.
    """


@builder.command(cls=Command)
@click.argument("endpoint", required=False)
@click.option("--name", metavar="NAME", help="Name of the builder.  [a random one]")
@click.option(
    "--driver",
    metavar="NAME",
    help="docker-container, or remote for a BuildKit that others start.  [docker-container]",
)
@click.option("--use", is_flag=True, help="Use the builder from now on.")
@click.option("--bootstrap", is_flag=True, help="Start its daemons now.")
@click.option("--append", is_flag=True, help="Add a node to the builder.")
@click.option("--leave", is_flag=True, help="Remove the node from the builder, but not its daemon.")
@_NODE.option("--node", metavar="NAME", help="Name of the node.  [the builder's, with a number]")
@_NODE.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="PLATFORM",
    help="Platforms for which the node is preferred, separated by commas.",
)
@_NODE.option(
    "--driver-opt",
    "driver_opts",
    multiple=True,
    metavar="KEY=VALUE",
    help="Options of the driver, such as image=REF, network=NAME and env.NAME=VALUE.",
)
@_NODE.option("--buildkitd-flags", metavar="FLAGS", help="Flags of buildkitd.")
@_NODE.option(
    "--buildkitd-config",
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file of buildkitd.",
)
def create(
    *,
    endpoint: str | None,
    name: str | None,
    driver: str | None,
    use: bool,
    bootstrap: bool,
    append: bool,
    leave: bool,
    node: str | None,
    **options: Any,
) -> None:
    """Create a builder, or add, change or remove a node of one.

    ENDPOINT is a Docker context or the address of a Docker, or the address of a BuildKit for the
    driver remote.

    \b
    Examples:
      llb builder create --name ci --use
      llb builder create --name ci --append --platform linux/arm64 ssh://arm
      llb builder create --name far --driver remote tcp://10.0.0.5:1234
    """  # noqa: D301 - click wants the control character
    if leave:
        if name is None or node is None:
            raise click.UsageError("--leave needs --name and --node")
        llb.client.Builder.load(name).leave(node)
        return
    node_values = _node_options(endpoint, options)
    if append:
        if name is None:
            raise click.UsageError("--append needs --name")
        changed = llb.client.Builder.load(name)
        changed.append(node, **node_values)
    elif name is not None and node is not None and _exists(name):
        changed = llb.client.Builder.load(name)
        changed.change(node, **node_values)
    else:
        if driver is not None and driver not in get_args(node_options.DriverName):
            raise click.UsageError(f"unknown driver {driver!r}")
        changed = llb.client.Builder.create(name, driver=driver, node=node, **node_values)  # type: ignore[arg-type]
    if use:
        changed.use()
    if bootstrap:
        _start(changed)
    click.echo(changed.name)


@builder.command(cls=Command)
@click.argument("name")
@click.option("--global", "is_global", is_flag=True, help="Use it with every Docker.")
@click.option("--default", "is_default", is_flag=True, help="Make it the default of this Docker.")
def use(name: str, *, is_global: bool, is_default: bool) -> None:
    """Choose the builder of the builds with the current Docker.

    \b
    Example: llb builder use ci
    """  # noqa: D301 - click wants the control character
    llb.client.Builder.load(name).use(is_global=is_global, is_default=is_default)


@builder.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def ls(*, as_json: bool) -> None:
    """List builders and their nodes; a star marks the one in use.

    \b
    Example: llb builder ls
    """  # noqa: D301 - click wants the control character
    current = llb.client.Builder.current().name
    rows = [("NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS")]
    for shown in llb.client.Builder.list():
        reports = shown.inspect()
        if as_json:
            click.echo(json.dumps(_to_fields(shown, reports, current)))
            continue
        rows.append((f"{shown.name}{'*' * (shown.name == current)}", shown.driver, "", "", ""))
        rows += [
            (
                f" └ {report.node.name}",
                f" └ {report.node.endpoint}",
                "error" if report.error else report.status,
                report.version or "",
                _short(_platforms(report)),
            )
            for report in reports
        ]
    if not as_json:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            click.echo("  ".join(cells).rstrip())


@builder.command(cls=Command)
@_NAME
@click.option("--bootstrap", is_flag=True, help="Start its daemons first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(name: str | None, *, bootstrap: bool, as_json: bool) -> None:
    """Show a builder with its nodes and their daemons; by default the one in use.

    \b
    Example: llb builder inspect --bootstrap ci
    """  # noqa: D301 - click wants the control character
    shown = _find(name)
    if bootstrap:
        _start(shown)
    reports = shown.inspect()
    if as_json:
        current = llb.client.Builder.current().name
        click.echo(json.dumps(_to_fields(shown, reports, current), indent=2))
        return
    click.echo(f"{'name':<15}{shown.name}\n{'driver':<15}{shown.driver}")
    if shown.last_activity is not None:
        click.echo(f"{'last activity':<15}{ago(shown.last_activity)}")
    for report in reports:
        click.echo()
        for label, value in _node_rows(report):
            if value:
                click.echo(f"{label:<15}{value}")


@builder.command(cls=Command)
@_NAME
def bootstrap(name: str | None) -> None:
    """Start the daemons of a builder; by default of the one in use.

    \b
    Example: llb builder bootstrap ci
    """  # noqa: D301 - click wants the control character
    _start(_find(name))


@builder.command(cls=Command)
@_NAME
def stop(name: str | None) -> None:
    """Stop the daemons of a builder and keep their caches.

    \b
    Example: llb builder stop ci
    """  # noqa: D301 - click wants the control character
    _find(name).stop()


@builder.command(cls=Command)
@click.argument("names", nargs=-1)
@click.option("--keep-state", is_flag=True, help="Keep the build caches.")
@click.option("--keep-daemon", is_flag=True, help="Keep the daemons running.")
@click.option("--all-inactive", is_flag=True, help="Remove all builders that do not run.")
def rm(names: tuple[str, ...], *, keep_state: bool, keep_daemon: bool, all_inactive: bool) -> None:
    """Remove builders, their daemons and their caches; by default the one in use.

    \b
    Example: llb builder rm ci
    """  # noqa: D301 - click wants the control character
    if all_inactive and names:
        raise click.UsageError("--all-inactive takes no names")
    chosen = _inactive() if all_inactive else [_find(name) for name in names or (None,)]
    for removed in chosen:
        removed.remove(keep_state=keep_state, keep_daemon=keep_daemon)
        click.echo(f"{removed.name} removed", err=True)


def _node_options(endpoint: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Convert the options of a node: those that are not given are absent."""
    values: dict[str, Any] = {
        key: options[key] for key in ("buildkitd_flags", "buildkitd_config") if options[key]
    }
    if endpoint is not None:
        values["endpoint"] = endpoint
    if options["platforms"]:
        values["platforms"] = [
            platform for text in options["platforms"] for platform in text.split(",")
        ]
    if options["driver_opts"]:
        values["driver_opts"] = dict(_pairs(options["driver_opts"]))
    return values


def _pairs(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        for field in next(csv.reader([text], strict=True), []):
            key, equals, value = field.partition("=")
            if not equals or not key:
                raise InvalidValueError(f"invalid --driver-opt {text!r}: expected key=value")
            yield key, value


def _exists(name: str) -> bool:
    return any(known.name == name.lower() for known in llb.client.Builder.list())


def _find(name: str | None) -> Builder:
    return llb.client.Builder.current() if name is None else llb.client.Builder.load(name)


def _inactive() -> list[Builder]:
    """Find the builders of which no node runs."""
    return [
        known
        for known in llb.client.Builder.list()
        if known.driver != "docker"
        and not any(report.status == "running" for report in known.inspect())
    ]


def _start(started: Builder) -> None:
    with progress.display("auto") as shown:
        started.start(on_event=shown)


def _platforms(report: NodeReport) -> list[str]:
    """List platforms: a star marks those that the user has assigned to the node."""
    assigned = [f"{platform}*" for platform in report.node.platforms]
    offered: list[Platform] = [
        platform for worker in report.workers for platform in worker.platforms
    ]
    others = (str(platform) for platform in offered if platform not in report.node.platforms)
    return [*assigned, *dict.fromkeys(others)]


def _short(platforms: list[str]) -> str:
    shown = ", ".join(platforms[:_SHOWN_PLATFORMS])
    more = len(platforms) - _SHOWN_PLATFORMS
    return f"{shown} (+{more})" if more > 0 else shown


def _node_rows(report: NodeReport) -> list[tuple[str, str]]:
    node = report.node
    labels = [label for worker in report.workers for label in worker.labels]
    return [
        ("node", node.name),
        ("endpoint", node.endpoint),
        ("options", " ".join(f"{key}={value}" for key, value in node.driver_opts.items())),
        ("status", "error" if report.error else report.status),
        ("error", "" if report.error is None else report.error.message),
        ("flags", " ".join(node.buildkitd_flags)),
        ("files", " ".join(node.files)),
        ("version", report.version or ""),
        ("platforms", ", ".join(_platforms(report))),
        *(("label", f"{key}={value}") for key, value in labels),
    ]


def _to_fields(shown: Builder, reports: Iterable[NodeReport], current: str) -> dict[str, Any]:
    activity = shown.last_activity
    return {
        "name": shown.name,
        "driver": shown.driver,
        "current": shown.name == current,
        "last_activity": None if activity is None else activity.isoformat(),
        "nodes": [
            {
                "name": report.node.name,
                "endpoint": report.node.endpoint,
                "driver_opts": dict(report.node.driver_opts),
                "buildkitd_flags": list(report.node.buildkitd_flags),
                "files": list(report.node.files),
                "status": report.status,
                "error": None if report.error is None else report.error.message,
                "version": report.version,
                "platforms": _platforms(report),
                "labels": {key: value for worker in report.workers for key, value in worker.labels},
            }
            for report in reports
        ],
    }
