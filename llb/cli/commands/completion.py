"""``llb completion``: print a shell completion script for ``llb``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from llb.cli.sections import Command

_PROGRAM = "llb"
_VARIABLE = "_LLB_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a shell completion script.

    \b
    Examples:
      source <(llb completion bash)
      llb completion fish > ~/.config/fish/completions/llb.fish
    """  # noqa: D301 - click wants the control character
    completion_class = get_completion_class(shell)
    assert completion_class is not None
    click.echo(completion_class(context.find_root().command, {}, _PROGRAM, _VARIABLE).source())
