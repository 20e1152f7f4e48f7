"""``llb prune``: remove unused build cache."""

from __future__ import annotations

from typing import Any

import click

from llb._lazy import lazy_imports
from llb.cli.commands.du import FILTER, format_size, print_records
from llb.cli.connection_options import NAMES, Connection, with_connection_options
from llb.cli.output_tables import JSON_LINES, VERBOSE
from llb.cli.sections import Command

with lazy_imports(__name__):
    from llb.client import usage  # 2 ms


@click.command(cls=Command)
@FILTER
@click.option("--all", "all_", is_flag=True, help="Include internal and frontend images.")
@click.option(
    "--unused-for",
    metavar="TIME",
    default="0s",
    help="Keep records used within this time, for example 7d.",
)
@click.option(
    "--reserved-space",
    metavar="SIZE",
    default="0",
    help="Size to keep in any case, for example 10GB.",
)
@click.option("--max-used-space", metavar="SIZE", default="0", help="Maximum size to keep.")
@click.option("--min-free-space", metavar="SIZE", default="0", help="Disk space to keep free.")
@VERBOSE
@JSON_LINES
@with_connection_options
def prune(*, verbose: bool, as_json: bool, **options: Any) -> None:
    """Remove unused build cache.

    \b
    Example: llb prune --unused-for 7d --reserved-space 10GB
    """  # noqa: D301 - click wants the control character
    connection = Connection(**{name: options.pop(name) for name in NAMES})
    age, all_, filters = (options.pop(name) for name in ("unused_for", "all_", "filters"))
    sizes = {name: usage.parse_size(value) for name, value in options.items()}
    seconds = usage.parse_age(age)
    with connection.open() as client:
        removed = client.prune(all=all_, filters=filters, unused_for=seconds, **sizes)
        total = print_records(removed, verbose=verbose, as_json=as_json)
    if not as_json:
        click.echo(f"total        {format_size(total)}")
