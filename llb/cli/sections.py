"""Commands whose help shows the options in sections, at the width of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

from llb.client.key_values import FALSE, TRUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
    """A command with sections of options, whose flags take ``=true`` and ``=false`` as in buildx."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments after replacing the flags with values by flags without."""
        flags = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and option.is_flag
            for name in option.opts
        }
        return super().parse_args(ctx, list(_without_values(args, flags)))

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


def _without_values(args: Iterable[str], flags: Mapping[str, click.Option]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            yield from (word, *words)
        elif not equals or name not in flags or value not in (*TRUE, *FALSE):
            yield word
        elif value in TRUE:
            yield name
        else:
            yield from flags[name].secondary_opts


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
