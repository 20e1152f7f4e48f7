"""``llb history``: the builds that a BuildKit remembers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from llb.cli.connection_options import Connection, connecting
from llb.cli.output_tables import JSON, JSON_LINES, ago, to_json

if TYPE_CHECKING:
    from datetime import timedelta

    from llb.client.history import BuildRecord, History

_REF_WIDTH = 34


@click.group()
def history() -> None:
    """Show and delete build records.

    \b
    Example: llb history logs $(llb history ls --quiet --limit 1)
    """  # noqa: D301 - click wants the control character


@history.command()
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Filter, for example status==error or startedAt>1h.",
)
@click.option("--limit", default=0, metavar="NUMBER", help="Maximum number of completed builds.")
@click.option("--active", is_flag=True, help="Only running builds.")
@click.option("-q", "--quiet", is_flag=True, help="Print only references.")
@JSON_LINES
@connecting
def ls(
    *,
    filters: tuple[str, ...],
    limit: int,
    active: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """List builds, newest first: reference, status, time, cached steps.

    \b
    Example: llb history ls --filter status==error
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        builds = client.history().builds(filters=filters, limit=limit, active_only=active)
    for build in builds:
        if as_json:
            click.echo(to_json(build))
        else:
            click.echo(build.ref if quiet else line_of(build))


@history.command()
@click.argument("ref")
@JSON
@connecting
def inspect(*, ref: str, as_json: bool, **options: Any) -> None:
    """Show a build record.

    \b
    Example: llb history inspect 3f2b… --json
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        build = client.history().build(ref)
    if as_json:
        click.echo(to_json(build, indent=2))
        return
    for name, value in _rows(build):
        click.echo(f"{name:<12}{value}")


@history.command()
@click.argument("ref")
@click.option(
    "--progress", default="plain", metavar="KIND", help="Progress display: plain, rawjson or tty."
)
@connecting
def logs(ref: str, progress: str, **options: Any) -> None:
    """Print the log of a build on standard output.

    \b
    Example: llb history logs 3f2b… --progress rawjson
    """  # noqa: D301 - click wants the control character
    from llb.client.progress.display import display  # noqa: PLC0415 - loads the client

    shown = display(progress, sys.stdout)
    with Connection(**options).open() as client, shown:
        on_report = shown.on_report
        if on_report is not None:
            for report in client.history().reports(ref):
                on_report(report)
        else:
            for event in client.history().events(ref):
                shown(event)


@history.command()
@click.argument("ref")
@connecting
def trace(ref: str, **options: Any) -> None:
    """Print the trace of a build as JSON.

    \b
    Example: llb history trace 3f2b… > trace.json
    """  # noqa: D301 - click wants the control character
    from llb.errors import InputError  # noqa: PLC0415 - beside the client

    with Connection(**options).open() as client:
        found = client.history()
        blob = found.build(ref).trace
        if blob is None:
            raise InputError(f"the daemon has no trace of the build {ref!r}")
        for piece in found.read(blob):
            sys.stdout.buffer.write(piece)


@history.command()
@click.argument("refs", nargs=-1, metavar="REF...")
@click.option("--all", "all_", is_flag=True, help="All completed builds that are not pinned.")
@connecting
def rm(*, refs: tuple[str, ...], all_: bool, **options: Any) -> None:
    """Delete build records.

    \b
    Example: llb history rm 3f2b…
    """  # noqa: D301 - click wants the control character
    if bool(refs) == all_:
        raise click.UsageError("name builds, or give --all")
    with Connection(**options).open() as client:
        found = client.history()
        for ref in _ended(found) if all_ else refs:
            found.remove(ref)


@history.command()
@click.argument("ref")
@click.option("--off", is_flag=True, help="Remove the protection.")
@connecting
def pin(*, ref: str, off: bool, **options: Any) -> None:
    """Protect a build record from deletion.

    \b
    Example: llb history pin 3f2b…
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        client.history().pin(ref, pinned=not off)


def line_of(build: BuildRecord) -> str:
    """Return a build in a line: its name, status and times, and how much was cached."""
    when = "" if build.created is None else ago(build.created)
    steps = f"{build.cached_steps}/{build.total_steps} cached"
    pinned = "pinned" if build.pinned else ""
    line = f"{build.ref:<{_REF_WIDTH}}{build.status:<11}{when:>8}  {_seconds(build.duration):>8}"
    return f"{line}  {steps:<14}{pinned}".rstrip()


def _ended(history: History) -> list[str]:
    builds = history.builds()
    return [each.ref for each in builds if each.completed is not None and not each.pinned]


def _rows(build: BuildRecord) -> list[tuple[str, object]]:
    steps = f"{build.total_steps}, {build.completed_steps} ended, {build.cached_steps} cached"
    rows: list[tuple[str, object]] = [
        ("ref", build.ref),
        ("status", build.status),
        ("started", "" if build.created is None else build.created.isoformat()),
        ("took", _seconds(build.duration)),
        ("steps", steps),
        ("frontend", build.frontend or "none"),
        *(("attribute", f"{key}={value}") for key, value in sorted(build.frontend_attrs.items())),
        *(("exporter", kind) for kind, _ in build.exports),
        *(("result", each.digest) for each in build.results),
        *(("attested", each.digest) for each in build.attestations),
    ]
    if build.trace is not None:
        rows.append(("trace", build.trace.digest))
    if build.error is not None:
        rows.append(("error", " ".join(build.error.split())))
    return rows


def _seconds(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds():.1f}s"
