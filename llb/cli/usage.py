"""``llb du`` and ``llb prune``: what a BuildKit keeps, and throwing it away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from llb.cli.connecting import NAMES, Connection, connecting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client import Usage

_FILTER = click.option(
    "--filter", "filters", multiple=True, metavar="FILTER", help="As type==regular or id~=abc."
)
_ID_WIDTH = 28


@click.command()
@_FILTER
@connecting
def du(filters: tuple[str, ...], **options: Any) -> None:
    """Print what the cache holds, the largest last.

    \b
    Example: llb du --filter type==exec.cachemount
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        records = sorted(client.disk_usage(filters=filters), key=lambda each: each.size)
    _print_records(records)
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
@connecting
def prune(**options: Any) -> None:
    """Throw away what no build uses.

    \b
    Example: llb prune --unused-for 7d --reserved-space 10GB
    """  # noqa: D301 - click wants the control character
    # The client loads grpc, which `llb --help` should not wait for.
    from llb.client.usage import parse_age, parse_size  # noqa: PLC0415

    connection = Connection(**{name: options.pop(name) for name in NAMES})
    age, all_, filters = (options.pop(name) for name in ("unused_for", "all_", "filters"))
    sizes = {name: parse_size(value) for name, value in options.items()}
    total = 0
    with connection.open() as client:
        gone = client.prune(all=all_, filters=filters, unused_for=parse_age(age), **sizes)
        for record in gone:
            _print_records([record])
            total += record.size
    click.echo(f"total        {_size(total)}")


def _print_records(records: Iterable[Usage]) -> None:
    for each in records:
        mark = "*" if each.mutable else " "
        used = "" if each.last_used is None else ago(each.last_used)
        line = f"{each.id:<{_ID_WIDTH}}{mark} {_size(each.size):>10}  {used:>8}  {each.description}"
        click.echo(line.rstrip())


def _size(size: int) -> str:
    from llb.client.progress.text import human_size  # noqa: PLC0415 - loads the client

    return human_size(size)


def ago(moment: datetime) -> str:
    """Return how long ago a moment was, for a person: ``3h ago``."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{max(seconds, 0)}s ago"
