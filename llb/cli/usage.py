"""``llb du`` and ``llb prune``: what a BuildKit keeps, and throwing it away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from llb.cli.connecting import NAMES, Connection, connecting
from llb.cli.records import JSON_LINES, VERBOSE, to_json, to_rows

if TYPE_CHECKING:
    from llb.client import Usage

_FILTER = click.option(
    "--filter", "filters", multiple=True, metavar="FILTER", help="As type==regular or id~=abc."
)
_ID_WIDTH = 28


@click.command()
@_FILTER
@VERBOSE
@JSON_LINES
@connecting
def du(*, filters: tuple[str, ...], verbose: bool, as_json: bool, **options: Any) -> None:
    """Print what the cache holds, the largest last.

    \b
    Examples:
      llb du --filter type==exec.cachemount
      llb du --json | jq 'select(.in_use)'
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        records = sorted(client.disk_usage(filters=filters), key=lambda each: each.size)
    for record in records:
        _print(record, verbose=verbose, as_json=as_json)
    if as_json:
        return
    reclaimable = sum(each.size for each in records if each.reclaimable)
    click.echo(f"reclaimable  {_size(reclaimable)}")
    click.echo(f"total        {_size(sum(each.size for each in records))}")


@click.command()
@_FILTER
@click.option("--all", "all_", is_flag=True, help="What images and frontends are made of, too.")
@click.option("--unused-for", metavar="TIME", default="0s", help="Keep what was used since: 7d.")
@click.option("--reserved-space", metavar="SIZE", default="0", help="Keep at least this: 10GB.")
@click.option("--max-used-space", metavar="SIZE", default="0", help="Keep at most this.")
@click.option("--min-free-space", metavar="SIZE", default="0", help="Leave this much of the disk.")
@VERBOSE
@JSON_LINES
@connecting
def prune(*, verbose: bool, as_json: bool, **options: Any) -> None:
    """Throw away what no build uses.

    \b
    Example: llb prune --unused-for 7d --reserved-space 10GB
    """  # noqa: D301 - click wants the control character
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.usage import parse_age, parse_size  # noqa: PLC0415

    connection = Connection(**{name: options.pop(name) for name in NAMES})
    age, all_, filters = (options.pop(name) for name in ("unused_for", "all_", "filters"))
    sizes = {name: parse_size(value) for name, value in options.items()}
    total = 0
    with connection.open() as client:
        gone = client.prune(all=all_, filters=filters, unused_for=parse_age(age), **sizes)
        for record in gone:
            _print(record, verbose=verbose, as_json=as_json)
            total += record.size
    if not as_json:
        click.echo(f"total        {_size(total)}")


def ago(moment: datetime) -> str:
    """Return how long ago a moment was, for a person: ``3h ago``."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{max(seconds, 0)}s ago"


def _print(record: Usage, *, verbose: bool, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(record))
    else:
        click.echo(to_rows(record) if verbose else _line(record))


def _line(record: Usage) -> str:
    mark = "*" if record.mutable else " "
    used = "" if record.last_used is None else ago(record.last_used)
    size = f"{_size(record.size):>10}"
    line = f"{record.id:<{_ID_WIDTH}}{mark} {size}  {used:>8}  {record.description}"
    return line.rstrip()


def _size(size: int) -> str:
    from llb.client.progress.text import human_size  # noqa: PLC0415 - loads the client

    return human_size(size)
