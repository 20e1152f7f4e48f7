"""``llb du``: show the disk usage of the build cache."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

from llb._lazy import lazy_imports
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.output_tables import JSON_LINES, VERBOSE, ago, to_json, to_rows
from llb.cli.sections import Command
from llb.control_characters import escape

with lazy_imports(__name__):
    from llb.client.progress import text  # 0.5 ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client import Usage

FILTER = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Filter, for example type==regular or id~=abc.",
)
_ID_WIDTH = 28
# Without a terminal: what most descriptions need.
_WIDTH = 120


@click.command(cls=Command)
@FILTER
@VERBOSE
@JSON_LINES
@with_connection_options
def du(*, filters: tuple[str, ...], verbose: bool, as_json: bool, **options: Any) -> None:
    """Show the disk usage of the build cache.

    A line has the id of a record, its size, when it was last used, and what created it. A record
    with * may still change, such as a cache mount. The largest records come last.
    Descriptions are cut; `--verbose` shows all of them.

    \b
    Examples:
      llb du --filter type==exec.cachemount
      llb du --json | jq 'select(.in_use)'
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        records = sorted(client.disk_usage(filters=filters), key=lambda record: record.size)
    total = print_records(records, verbose=verbose, as_json=as_json)
    if as_json:
        return
    reclaimable = sum(record.size for record in records if record.reclaimable)
    click.echo(f"reclaimable  {format_size(reclaimable)}")
    click.echo(f"total        {format_size(total)}")


def print_records(records: Iterable[Usage], *, verbose: bool, as_json: bool) -> int:
    """Print cache records below a header, each as it arrives, and return the sum of their sizes."""
    total = 0
    for number, record in enumerate(records):
        if as_json:
            click.echo(to_json(record))
        elif verbose:
            click.echo(to_rows(record))
        else:
            if not number:
                click.echo(_line("ID", " ", "SIZE", "LAST USED", "DESCRIPTION"))
            click.echo(_line_of(record))
        total += record.size
    return total


def _line_of(record: Usage) -> str:
    mark = "*" if record.mutable else " "
    used = "" if record.last_used is None else ago(record.last_used)
    description = " ".join(text.visible(line) for line in record.description.splitlines())
    return _line(escape(record.id), mark, format_size(record.size), used, description)


def _line(name: str, mark: str, size: str, used: str, description: str) -> str:
    line = f"{name:<{_ID_WIDTH}}{mark} {size:>10}  {used:>9}  {description}".rstrip()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    return line if len(line) <= width else line[: width - 1] + "…"


def format_size(size: int) -> str:
    """Format a number of bytes for people."""
    return text.human_size(size)
