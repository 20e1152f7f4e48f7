"""``llb history``: show, pin, export and delete the daemon's build records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import llb.client
from llb._lazy import lazy_imports
from llb.cli.completions import builds, words
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.output_tables import JSON, JSON_LINES, ago, to_json
from llb.cli.sections import Group
from llb.control_characters import escape
from llb.errors import InputError

with lazy_imports(__name__):
    from llb.client.progress import display  # 4 ms
    from llb.client.records import desktop  # 20 ms

if TYPE_CHECKING:
    from datetime import timedelta

    from llb.client.history import BuildRecord, History

_REF_WIDTH = 34
_FILE = click.Path(dir_okay=False, path_type=Path)


class _History(Group):
    """A group that also has the command of buildx for attachments."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve ``inspect attachment`` as ``attachment``."""
        return super().resolve_command(ctx, args[args[:2] == ["inspect", "attachment"] :])


@click.group(cls=_History)
def history() -> None:
    """Show, export and delete build records.

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
@click.option("--active", is_flag=True, help="List only running builds.")
@click.option("-q", "--quiet", is_flag=True, help="Print only references.")
@JSON_LINES
@with_connection_options
def ls(
    *,
    filters: tuple[str, ...],
    limit: int,
    active: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """List builds, newest first: reference, status, cached steps.

    A line has the reference of the build, its status, when it started, how long it took, and how
    many of its steps were cached. Pass the reference to the other commands.

    \b
    Example: llb history ls --filter status==error
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        builds = client.history().builds(filters=filters, limit=limit, active_only=active)
    if builds and not as_json and not quiet:
        click.echo(_line("REFERENCE", "STATUS", "STARTED", "TOOK", "STEPS"))
    for build in builds:
        if as_json:
            click.echo(to_json(build))
        else:
            click.echo(escape(build.ref) if quiet else format_line(build))


@history.command()
@click.argument("ref", shell_complete=builds)
@JSON
@with_connection_options
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
        click.echo(escape(f"{name:<12}{value}"))


@history.command()
@click.argument("ref", default="", metavar="[REF]", shell_complete=builds)
@click.argument("digest", default="", metavar="[DIGEST]")
@click.option(
    "--type",
    "kind",
    default="",
    metavar="TYPE",
    shell_complete=words("provenance", "sbom", "manifest", "index"),
    help="Type: provenance, sbom, manifest, index, or a media or predicate type.",
)
@click.option("--platform", default="", metavar="OS/ARCH", help="Platform of the image.")
@with_connection_options
def attachment(ref: str, digest: str, kind: str, platform: str, **options: Any) -> None:
    """Print an attestation or a manifest of a build.

    Without a reference, this is the last build. Several match: the first by platform and type is
    printed.

    \b
    Examples:
      llb history attachment --type provenance
      llb history attachment 3f2b… --type sbom --platform linux/arm64
      llb history attachment 3f2b… sha256:2c26…
    """  # noqa: D301 - click wants the control character
    if not (digest or kind or platform):
        raise click.UsageError("expected --type, --platform or a digest")
    with Connection(**options).open() as client:
        records = client.history()
        ref = ref or next((build.ref for build in records.builds(limit=1)), "")
        blobs = [
            one.blob
            for one in records.attachments(ref)
            if (not digest or one.blob.digest == digest)
            and (not kind or one.is_of(kind))
            and (not platform or one.platform == platform)
        ]
        if digest and not blobs:
            blobs = [llb.client.Blob("", digest, 0)]
        if not blobs:
            raise InputError(f"the build {ref!r} has no such attachment")
        for chunk in records.read(blobs[0]):
            sys.stdout.buffer.write(chunk)


@history.command()
@click.argument("ref", shell_complete=builds)
@click.option(
    "--progress",
    default="plain",
    metavar="KIND",
    shell_complete=words("plain", "rawjson", "tty"),
    help="Progress display: plain, rawjson or tty.",
)
@with_connection_options
def logs(ref: str, progress: str, **options: Any) -> None:
    """Print the log of a build on standard output.

    \b
    Example: llb history logs 3f2b… --progress rawjson
    """  # noqa: D301 - click wants the control character
    progress_display = display.display(progress, sys.stdout)
    with Connection(**options).open() as client, progress_display:
        on_report = progress_display.on_report
        if on_report is not None:
            for report in client.history().reports(ref):
                on_report(report)
        else:
            for event in client.history().events(ref):
                progress_display(event)


@history.command()
@click.argument("ref", shell_complete=builds)
@with_connection_options
def trace(ref: str, **options: Any) -> None:
    """Print the trace of a build as JSON.

    \b
    Example: llb history trace 3f2b… > trace.json
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        records = client.history()
        blob = records.build(ref).trace
        if blob is None:
            raise InputError(f"the daemon has no trace of the build {ref!r}")
        for chunk in records.read(blob):
            sys.stdout.buffer.write(chunk)


@history.command()
@click.argument("refs", nargs=-1, metavar="REF...", shell_complete=builds)
@click.option(
    "--all", "all_", is_flag=True, help="Delete all completed builds that are not pinned."
)
@with_connection_options
def rm(*, refs: tuple[str, ...], all_: bool, **options: Any) -> None:
    """Delete build records.

    \b
    Example: llb history rm 3f2b…
    """  # noqa: D301 - click wants the control character
    if bool(refs) == all_:
        raise click.UsageError("expected either build references or --all")
    with Connection(**options).open() as client:
        records = client.history()
        for ref in _deletable(records) if all_ else refs:
            records.remove(ref)


@history.command()
@click.argument("ref", shell_complete=builds)
@click.option("--off", is_flag=True, help="Remove the protection.")
@with_connection_options
def pin(*, ref: str, off: bool, **options: Any) -> None:
    """Protect a build record from deletion.

    \b
    Example: llb history pin 3f2b…
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        client.history().pin(ref, pinned=not off)


@history.command()
@click.argument("refs", nargs=-1, metavar="[REF]...", shell_complete=builds)
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="File to write.")
@click.option("--all", "all_builds", is_flag=True, help="Export all builds that have ended.")
@click.option("--finalize", is_flag=True, help="Let the daemon add the traces first.")
@with_connection_options
def export(
    *,
    refs: tuple[str, ...],
    output: Path | None,
    all_builds: bool,
    finalize: bool,
    **options: Any,
) -> None:
    """Write build records to a file for Docker Desktop.

    Without a reference, this is the last build. The file has the record, the log, the trace and the
    attestations.

    \b
    Example: llb history export -o build.dockerbuild
    """  # noqa: D301 - click wants the control character
    if refs and all_builds:
        raise click.UsageError("expected either build references or --all")
    if output is None and sys.stdout.isatty():
        raise click.UsageError("the output is a terminal: name a file with --output")
    with Connection(**options).open() as client:
        client.history().export(
            sys.stdout.buffer if output is None else output,
            refs=refs,
            all_builds=all_builds,
            finalize=finalize,
        )


@history.command("import")
@click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="File to import; by default standard input.",
)
@click.argument("stream", nargs=-1, metavar="[-]")
def import_(*, files: tuple[Path, ...], stream: tuple[str, ...]) -> None:
    """Import build records into Docker Desktop.

    It prints the URLs that show them there.

    \b
    Example: llb history import -f build.dockerbuild
    """  # noqa: D301 - click wants the control character
    if stream not in ((), ("-",)):
        raise click.UsageError("name files with --file")
    address = desktop.server_address()
    for path in files or (Path("-"),):
        for url in _import(path, address):
            click.echo(url, err=True)


def _import(path: Path, address: str) -> tuple[str, ...]:
    """Import a file, or standard input. Raises InputError."""
    if str(path) == "-":
        return desktop.import_bundle(sys.stdin.buffer, address)
    try:
        with path.open("rb") as file:
            return desktop.import_bundle(file, address)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def format_line(build: BuildRecord) -> str:
    """Format a build on one line: reference, status, times and cached steps."""
    when = "" if build.created is None else ago(build.created)
    steps = f"{build.cached_steps}/{build.total_steps} cached"
    pinned = "pinned" if build.pinned else ""
    return _line(build.ref, build.status, when, _seconds(build.duration), steps, pinned)


def _line(ref: str, status: str, when: str, took: str, steps: str, pinned: str = "") -> str:
    line = f"{ref:<{_REF_WIDTH}}{status:<11}{when:>8}  {took:>8}  {steps:<14}{pinned}"
    return escape(line.rstrip())


def _deletable(history: History) -> list[str]:
    builds = history.builds()
    return [build.ref for build in builds if build.completed is not None and not build.pinned]


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
        *(("result", blob.digest) for blob in build.results),
        *(("attested", blob.digest) for blob in build.attestations),
    ]
    if build.trace is not None:
        rows.append(("trace", build.trace.digest))
    if build.error is not None:
        rows.append(("error", " ".join(build.error.split())))
    return rows


def _seconds(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds():.1f}s"
