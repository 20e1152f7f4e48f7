"""Commands whose help shows the options in sections, at the width of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

F_ = TypeVar("F_", bound="Callable[..., Any]")

OTHERS = "Options"


class Option(click.Option):
    """An option that the help shows in a section."""

    def __init__(self, *arguments: Any, heading: str = OTHERS, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.heading = heading


@frozen
class Section:
    """A section of the help, in which options are declared."""

    heading: str

    def option(self, *names: str, **attributes: Any) -> Callable[[F_], F_]:
        """Decorate a function with an option, as ``click.option`` does."""
        return click.option(*names, cls=Option, heading=self.heading, **attributes)

    def repeatable(self, *names: str, **attributes: Any) -> Callable[[F_], F_]:
        """Decorate a function with an option that may be given several times."""
        return self.option(*names, multiple=True, **attributes)


class Command(click.Command):
    """A command with sections of options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the command itself first, unless the help is the only one."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # Recent versions of click list arguments too, which have no description.
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "heading", OTHERS), []).append(record)
        others = {OTHERS: sections.pop(OTHERS)}
        ordered = sections | others if len(others[OTHERS]) == 1 else others | sections
        for heading, records in ordered.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
