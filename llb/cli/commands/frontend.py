"""``llb frontend``: create, run, pack and try frontends."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

import llb.client
from llb._lazy import lazy_imports
from llb.buildkit_names import DOCKER_IMAGE_SCHEME, EXPORTER_IMAGE_CONFIG_KEY
from llb.cli.build_options import with_build_options
from llb.cli.commands.build import start
from llb.cli.completions import DISPLAYS, words
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.sections import Group

with lazy_imports(__name__):
    from llb.client.progress import display  # 5 ms
    from llb.frontend.kit import (
        packing,  # 30 ms
        programs,  # 32 ms
        templates,  # 39 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.client import Client
    from llb.client.image_build.request import FrontendRequest
    from llb.frontend.kit import Packed
    from llb.gateway import Gateway, Request, Result

_PROGRAM_SUFFIX = ".py"
_INPUT_NAME = "frontend"
# A named context replaces the image of a frontend like any other image. This is its name.
_SUBSTITUTE = "frontend.local/tried"
_SYNTAX = "build-arg:BUILDKIT_SYNTAX"


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def frontend() -> None:
    """Create, run, pack and try a frontend."""


@frontend.command()
@click.argument("directory", type=click.Path(path_type=Path))
def new(directory: Path) -> None:
    """Create a frontend in DIRECTORY: a program, a build file and tests.

    \b
    Example:
      llb frontend new apps && cd apps && llb frontend run main.py . -o out
    """  # noqa: D301 - click wants the control character
    with _print_time("created"):
        for path in templates.write(directory):
            click.echo(path)


@frontend.command()
@click.argument("program", type=click.Path())
@click.argument("source", metavar="[DIRECTORY]", default=".", type=click.Path())
@with_build_options
@with_connection_options
def run(program: str, **options: Any) -> None:
    """Build with the frontend of PROGRAM in this process.

    No image is built, breakpoints work, and printed output is visible. The options are
    those of llb build.

    \b
    Example:
      llb frontend run main.py . -o out
    """  # noqa: D301 - click wants the control character
    with programs.author_errors(program):
        function = programs.load(program)
    _choose_file(options, getattr(function, "filename", None))

    def change(request: FrontendRequest, _: Client) -> FrontendRequest:
        # The program replaces the frontend that the file names.
        attrs = {**request.attrs, "source": program, "cmdline": program}
        return evolve(request, attrs=attrs, function=call)

    def call(request: Request, gateway: Gateway) -> Result:
        with programs.author_errors(program):
            return function(request, gateway)

    with _print_time("ran"):
        start(options, change)


@frontend.command("pack")
@click.argument("program", type=click.Path())
@click.option("-t", "--tag", "name", required=True, metavar="NAME", help="Name of the image.")
@click.option("--push", is_flag=True, help="Push the image to its registry.")
@click.option("--load", is_flag=True, help="Load the image into Docker.")
@click.option("--base", metavar="IMAGE", help="Base image with Python.  [python:3.13-slim]")
@click.option("--on", metavar="IMAGE", help="Base image that has pyllb.")
@click.option(
    "--progress",
    default="auto",
    metavar="KIND",
    shell_complete=words(*DISPLAYS),
    help="Progress display, as for llb build.",
)
@with_connection_options
def pack_(program: str, *, base: str | None, on: str | None, **options: Any) -> None:
    """Pack the frontend of PROGRAM as an image, with its directory.

    Files and packages get fixed timestamps, so packing again gives the same image.

    \b
    Example:
      llb frontend pack main.py -t localhost:5000/app --push
    """  # noqa: D301 - click wants the control character
    _build_image(lambda client: _pack(client, program, base=base, on=on), **options)


@frontend.command("image")
@click.option("-t", "--tag", "name", required=True, metavar="NAME", help="Name of the image.")
@click.option("--push", is_flag=True, help="Push the image to its registry.")
@click.option("--load", is_flag=True, help="Load the image into Docker.")
@click.option("--base", metavar="IMAGE", help="Base image with Python.  [python:3.13-slim]")
@click.option(
    "--progress",
    default="auto",
    metavar="KIND",
    shell_complete=words(*DISPLAYS),
    help="Progress display, as for llb build.",
)
@with_connection_options
def image_(*, base: str | None, **options: Any) -> None:
    """Make the image of the frontend for build files and Dockerfiles.

    It contains Python and this installation of llb. A build file that names it in its first line,
    as in "# syntax=NAME", can be built by every client of BuildKit, for example docker build.

    \b
    Example:
      llb frontend image -t registry.example.com/pyfrontend --push
    """  # noqa: D301 - click wants the control character
    _build_image(lambda client: packing.pack_builtin(resolver=client, base=base), **options)


def _build_image(
    pack: Callable[[Client], Packed],
    *,
    name: str,
    push: bool,
    load: bool,
    progress: str,
    **options: Any,
) -> None:
    """Build the image of a frontend with fixed timestamps, and print its digest."""
    connection = Connection(**options)
    progress_display = display.display(progress)
    image = llb.client.image(name, push=push, rewrite_timestamp=True, source_date_epoch=0)
    exports = [image]
    if load:
        exports.append(llb.client.docker(name=name, rewrite_timestamp=True, source_date_epoch=0))
    with _print_time("packed"), progress_display, connection.open() as client:
        packed = pack(client)
        result = client.solve(
            packed.state,
            local_dirs=packed.local_dirs,
            exports=exports,
            on_event=progress_display,
            on_report=progress_display.on_report,
        )
    if not push and not load:
        click.echo("the image is only in the daemon: add --push or --load", err=True)
    click.echo(f"{name} is {result.digest}", err=True)


@frontend.command("try")
@click.argument("program", metavar="PROGRAM.py | IMAGE", type=click.Path())
@click.argument("source", metavar="[DIRECTORY]", default=".", type=click.Path())
@click.option("--base", metavar="IMAGE", help="Base image with Python, as for llb frontend pack.")
@click.option("--on", metavar="IMAGE", help="Base image that has pyllb, as for llb frontend pack.")
@with_build_options
@with_connection_options
def try_(program: str, base: str | None, on: str | None, **options: Any) -> None:
    """Build a file with a frontend in place of the one it names.

    The frontend is an image, or a program that is packed for this build only. The options
    are those of llb build.

    \b
    Example:
      llb frontend try main.py . -o out
    """  # noqa: D301 - click wants the control character
    is_program = program.endswith(_PROGRAM_SUFFIX)
    if is_program:
        # It is not run here: it may need packages of its image.
        _choose_file(options, programs.default_filename(program))

    def change(request: FrontendRequest, client: Client) -> FrontendRequest:
        if not is_program:
            return _with_image(request, program)
        return _with_packed(request, _pack(client, program, base=base, on=on))

    with _print_time("tried"):
        start(options, change)


def _choose_file(options: dict[str, Any], filename: str | None) -> None:
    """Choose the file that a frontend reads by default, as it would in its image."""
    if options["dockerfile"] is None and filename is not None:
        options["dockerfile"] = str(Path(options["source"]) / filename)


@contextmanager
def _print_time(action: str) -> Iterator[None]:
    """Print how long the block took, if it succeeds."""
    start_time = time.monotonic()
    yield
    click.echo(f"{action} in {time.monotonic() - start_time:.1f} s", err=True)


def _pack(client: Client, program: str, *, base: str | None, on: str | None) -> Packed:

    return packing.pack(program, base=base, on=on, resolver=client)


def _with_image(request: FrontendRequest, name: str) -> FrontendRequest:
    """Replace the frontend that the file names with an image."""
    attrs = {_SYNTAX: _SUBSTITUTE, f"context:{_SUBSTITUTE}": f"{DOCKER_IMAGE_SCHEME}{name}"}
    return evolve(request, attrs={**request.attrs, **attrs})


def _with_packed(request: FrontendRequest, packed: Packed) -> FrontendRequest:
    """Replace the frontend that the file names with a packed one, sent as an input."""
    metadata = {EXPORTER_IMAGE_CONFIG_KEY: base64.b64encode(packed.state.image_config()).decode()}
    attrs = {
        _SYNTAX: _SUBSTITUTE,
        f"context:{_SUBSTITUTE}": f"input:{_INPUT_NAME}",
        f"input-metadata:{_INPUT_NAME}": json.dumps(metadata),
    }
    local = {name: str(path) for name, path in packed.local_dirs.items()}
    return evolve(
        request,
        attrs={**request.attrs, **attrs},
        local_dirs={**request.local_dirs, **local},
        inputs={**request.inputs, _INPUT_NAME: packed.state},
    )
