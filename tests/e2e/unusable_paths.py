"""Run the commands of ``llb`` with paths and environments that cannot be used.

Run it as ``python -m tests.e2e.unusable_paths FOLDER``, without the capabilities with which root may
read and write everything. The options are those of all commands that take a path. Each result is a
line of JSON: the command, the path or variable, the exit status, and standard error.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llb.cli import cli, main

if TYPE_CHECKING:
    from collections.abc import Iterator

# Options whose text contains a path, for the commands that build.
SPECS = (
    *("--local=context={}", "--oci-layout=a={}", "--build-context=n={}", "--ssh=default={}"),
    *("--secret=id=a,src={}", "--output=type=tar,dest={}", "--output=type=oci,dest={}"),
    *("--output=type=oci,tar=false,dest={}", "--output=type=docker,dest={}", "--output={}"),
    *("--cache-to=type=local,dest={}", "--cache-from=type=local,src={}"),
    *("--debug-json-cache-metrics={}", "--registry-auth-tlscontext=host=h,ca={}"),
    "--tlscert={} --tlskey={}",
)
COMMANDS = ("build -o out", "build -o type=oci,dest=out.tar", "du", "graph a.pb", "daemon status")
VARIABLES = ("HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG")
TEXTS = {
    "convert": ("--output={}", "--resolver={}", "--context={}"),
    "dockerfile convert": ("--resolver={}",),
}
GOOD = {
    "SOURCE": ".",
    "OLD": "a.pb",
    "NEW": "a.pb",
    "PROGRAM": "program/main.py",
    "FILE": "Dockerfile",
    "FILES": "Dockerfile",
}


def bad_paths(folder: Path) -> list[str]:
    """Create the paths: each kind of error, in a folder and as a folder."""
    (folder / "locked").mkdir(mode=0)
    (folder / "loop").symlink_to("loop")
    (folder / "file").touch()
    long = "x" * 300
    return ["locked/x", "loop/x", "loop", "file/x", long, f"{long}/x", "x/" * 2100 + "x"]


def commands() -> Iterator[tuple[str, click.Command]]:
    """List all commands that are no groups, by their names."""

    def walk(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from walk(command, f"{prefix}{name} ")
            elif command is not None:
                yield f"{prefix}{name}", command

    yield from walk(cli, "")


def cases() -> Iterator[list[str]]:
    """Build command lines with ``{}`` for the path."""
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument" and p.name]
        good = [GOOD.get((p.name or "").upper(), "fresh") for p in arguments if p.required]
        words = name.split()
        for number, parameter in enumerate(arguments):
            if isinstance(parameter.type, click.Path):
                yield [*words, *good[:number], "{}", *good[number + 1 :]]
        options = [
            f"{parameter.opts[-1]}={{}}"
            for parameter in command.params
            if isinstance(parameter.type, click.Path) and parameter.param_type_name == "option"
        ]
        specs = SPECS if "--local" in {opt for p in command.params for opt in p.opts} else ()
        for option in dict.fromkeys((*options, *specs, *TEXTS.get(name, ()))):
            yield [*words, *option.split(), *good]


def run(arguments: list[str]) -> tuple[int, str]:
    """Run the command in this process; return its exit status and standard error."""
    sys.argv = ["llb", *arguments]
    output, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as end:
            return (
                end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            ), errors.getvalue()
        except BaseException as error:  # noqa: BLE001 - every exception would be a traceback
            return -1, f"{errors.getvalue()}Traceback: {error!r}"
    return 0, errors.getvalue()


def prepare(folder: Path) -> None:
    """Write the files that the commands need beside the tested path, and keep builders here."""
    os.chdir(folder)
    os.environ["BUILDX_CONFIG"] = str(folder / "buildx")
    Path("Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    Path("program").mkdir()
    Path("program/main.py").write_text(
        "from llb.gateway import Result, serve\nserve(lambda request, gateway: Result())\n"
    )
    run(["dockerfile", "convert", "--output", "a.pb", "Dockerfile"])


def report(case: str, cause: str, arguments: list[str]) -> None:
    """Run a command and write its result."""
    sys.stdout.write(json.dumps([case, cause, *run(arguments)]) + "\n")


def run_with_environments(values: list[str]) -> None:
    """Run commands with each variable unset, and with each unusable value."""
    for command in COMMANDS:
        for variable in VARIABLES:
            old = os.environ.pop(variable, None)
            report(command, f"no {variable}", command.split())
            for value in values:
                os.environ[variable] = value
                report(command, f"{variable}={value[:20]}", command.split())
            os.environ.pop(variable)
            if old is not None:
                os.environ[variable] = old
    # Last, because there is no way back.
    Path("removed").mkdir()
    os.chdir("removed")
    Path("../removed").rmdir()
    for command in COMMANDS:
        report(command, "no working directory", command.split())


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
    bad = bad_paths(Path())
    for case in cases():
        for path in bad:
            report(" ".join(case), path[:20], [word.replace("{}", path) for word in case])
    run_with_environments(bad)
