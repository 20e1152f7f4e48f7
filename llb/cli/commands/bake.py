"""``llb bake``: build the targets of bake files."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, frozen

from llb._lazy import lazy_imports
from llb.bake import loading, remote
from llb.bake.building import calls, entitlements, jobs, run
from llb.bake.building.options import platforms
from llb.bake.definitions import listing
from llb.bake.definitions.entries import PolicyEntry, parse_policy
from llb.bake.definitions.plan import DEFAULT, Selection
from llb.bake.definitions.preparation import is_remote, prepared
from llb.bake.definitions.printing import to_print
from llb.bake.values.problems import Unsuitable
from llb.cli.build_options import pairs
from llb.cli.completions import DISPLAYS, words
from llb.cli.connection_options import NAMES as CONNECTION
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.results.metadata_file import build_metadata, write_metadata
from llb.cli.sections import Command, Section
from llb.errors import BakeFileError, InvalidValueError, render
from llb.gocompat.strconv import parse_switch
from llb.local_files.writable import check_file

with lazy_imports(__name__):
    from llb.client.progress import display  # 5 ms

if TYPE_CHECKING:
    import llb.client
    from llb.bake.definitions.plan import Plan
    from llb.client import Client, SolveResult

_FILE = click.Path(dir_okay=False, path_type=Path)
_FILES = "BUILDX_BAKE_FILE"
_SEPARATOR = "BUILDX_BAKE_PATH_SEPARATOR"
_WORKING_DIRECTORY = "cwd://"
_DEFINITION = Section("Definition")
_RESULT = Section("Results")
_DISPLAY = Section("Lists and display")
_OPTIONS = (
    _DEFINITION.repeatable(
        "-f",
        "--file",
        "files",
        metavar="FILE",
        help="Bake file in HCL or JSON, or compose file; - reads standard input. Repeat it for "
        "several. [default: compose files and docker-bake.* of the working directory]",
    ),
    _DEFINITION.repeatable(
        "--set",
        "overrides",
        metavar="TARGET.KEY=VALUE",
        help="Change targets: app.tags=example, *.args.VERSION=2. += appends.",
    ),
    _DEFINITION.repeatable(
        "--var", "variables", metavar="NAME=VALUE", callback=pairs, help="Value of a variable."
    ),
    _DEFINITION.repeatable(
        "--allow",
        metavar="PRIVILEGE",
        shell_complete=words(
            "network.host", "security.insecure", "ssh", "fs=", "fs.read=", "fs.write="
        ),
        help="Permission: network.host, security.insecure, device, ssh, fs=PATH, fs.read=PATH or "
        "fs.write=PATH.",
    ),
    _DEFINITION.repeatable(
        "--policy", "policies", metavar="OPTIONS", help="Policies: disabled=true turns them off."
    ),
    _RESULT.option("--push", is_flag=True, help="Push the images to their registries."),
    _RESULT.option("--load", is_flag=True, help="Load the images into Docker."),
    _RESULT.option(
        "--provenance", metavar="VALUE", help="Provenance attestation: true, false or mode=max."
    ),
    _RESULT.option("--sbom", metavar="VALUE", help="SBOM attestation: true, false or generator=…."),
    _RESULT.option("--no-cache/--cache", "no_cache", default=None, help="Ignore the cache."),
    _RESULT.option(
        "--pull/--no-pull", default=None, help="Always check registries for newer base images."
    ),
    _RESULT.option(
        "-j",
        "--jobs",
        default="",
        metavar="[MODE,]N",
        shell_complete=words("fail-fast", "defer-error", "defer-output"),
        help="How many targets to build at the same time, by default all. defer-error ends other "
        "targets after a failure, defer-output exports after all results are built.",
    ),
    _RESULT.option(
        "--metadata-file", type=_FILE, help="Write the results as JSON to a file, by target."
    ),
    _DISPLAY.option(
        "--print", "prints", is_flag=True, help="Print the targets as JSON, and build nothing."
    ),
    _DISPLAY.option(
        "--list",
        "lists",
        metavar="KIND",
        shell_complete=words("targets", "variables"),
        help="List targets or variables; type=targets,format=json for JSON.",
    ),
    _DISPLAY.option("--check", is_flag=True, help="Check the Dockerfiles without a build."),
    _DISPLAY.option(
        "--call",
        metavar="REQUEST",
        shell_complete=words("check", "outline", "targets"),
        help="Print information instead of building: check, outline or targets, with ,format=json "
        "for JSON.",
    ),
    _DISPLAY.option(
        "--progress",
        default="auto",
        metavar="KIND",
        shell_complete=words(*DISPLAYS),
        help="Progress display: auto, plain, tty, rawjson, quiet or none.",
    ),
)


def _with_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(cls=Command)
@click.argument("arguments", metavar="[URL] [TARGET]...", nargs=-1)
@_with_options
@with_connection_options
def bake(**options: Any) -> None:
    """Build the targets of bake files, all at the same time.

    \b
    TARGET:
      The name of a target or group, or a pattern. The default is "default".
    URL:
      A repository with the bake files, whose directories are the build contexts.

    \b
    Examples:
      llb bake
      llb bake app db --push
      llb bake -f docker-bake.hcl -f ci.hcl --var TAG=v1 --set '*.platform=linux/arm64'
      llb bake --print
      llb bake --list targets
    """  # noqa: D301 - click wants the control character
    connection = Connection(**{name: options.pop(name) for name in CONNECTION})
    try:
        _bake(_Options(**options), connection)
    except InvalidValueError as error:
        hint = f"\nhint: {error.command_hint}" if error.hint else ""
        raise click.UsageError(error.message + hint) from error


@frozen
class _Options:
    """The options as click parses them."""

    arguments: tuple[str, ...]
    files: tuple[str, ...]
    overrides: tuple[str, ...]
    variables: dict[str, str]
    allow: tuple[str, ...]
    policies: tuple[str, ...]
    push: bool
    load: bool
    provenance: str | None
    sbom: str | None
    no_cache: bool | None
    pull: bool | None
    jobs: str
    metadata_file: Path | None
    prints: bool
    lists: str | None
    check: bool
    call: str | None
    progress: str

    @property
    def url(self) -> str | None:
        """The repository of the bake files, if they are not here."""
        return self._urls[0] if self._urls else None

    @property
    def command_context(self) -> str:
        """What BAKE_CMD_CONTEXT is: the second URL, or the working directory."""
        return self._urls[1] if len(self._urls) > 1 else _WORKING_DIRECTORY

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets to build."""
        return self.arguments[len(self._urls) :] or (DEFAULT,)

    @property
    def _urls(self) -> tuple[str, ...]:
        urls: list[str] = []
        for argument in self.arguments[:2]:
            if not is_remote(argument):
                break
            urls.append(argument)
        return tuple(urls)

    @property
    def request(self) -> str:
        """What to do with targets that say nothing else: ``build``, or a call."""
        return "check" if self.check else self.call or "build"

    def all_overrides(self) -> list[str]:
        """List the overrides, with those of other options. Raises InvalidValueError."""
        overrides = list(self.overrides)
        if self.push:
            overrides.append("*.push=true")
        if self.load:
            overrides.append("*.load=true")
        if calls.Call.parse(self.request) is not None:
            overrides.append(f"*.call={self.request}")
        for key, flag in (("no-cache", self.no_cache), ("pull", self.pull)):
            if flag is not None:
                overrides.append(f"*.{key}={'true' if flag else 'false'}")
        for kind, value in (("sbom", self.sbom), ("provenance", self.provenance)):
            if value:
                overrides.append(f"*.attest={_attestation(kind, value)}")
        return overrides + [
            f"*.policy+={policy}" for policy in self.policies if not _disables(policy)
        ]


def _attestation(kind: str, value: str) -> str:
    try:
        disabled = "false" if parse_switch(value) else "true"
    except ValueError:
        return f"type={kind},{value}"
    return f"type={kind},disabled={disabled}"


def _disables(policy: str) -> bool:
    try:
        return parse_policy(policy).disabled
    except Unsuitable as error:
        raise InvalidValueError(f"invalid --policy {policy!r}: {error}") from None


def _bake(options: _Options, connection: Connection) -> None:
    if options.prints and options.lists is not None:
        raise click.UsageError("--print conflicts with --list")
    wanted = None if options.lists is None else listing.Listing.parse(options.lists)
    allowed = entitlements.Allowed.parse(options.allow)
    limits = jobs.Jobs.parse(options.jobs)
    overrides = options.all_overrides()
    if options.metadata_file is not None:
        check_file(options.metadata_file)
    with ExitStack() as stack:
        client: Client | None = None
        if options.url is not None:
            client = stack.enter_context(connection.open())
        plan = _plan(options, overrides, client)
        if wanted is not None:
            click.echo(wanted.show(plan), nl=False)
            return
        selection = _selection(plan, options)
        if options.prints:
            click.echo(to_print(selection))
            return
        _check_privileges(selection, allowed)
        if client is None:
            client = stack.enter_context(connection.open(_all_platforms(selection)))
        _run(client, selection, options, limits)


def _plan(options: _Options, overrides: list[str], client: Client | None) -> Plan:
    files: list[Any] = list(options.files) or _files_of_environment()
    if client is not None:
        assert options.url is not None
        here = [name.removeprefix(_WORKING_DIRECTORY) for name in files if _is_here(name)]
        there = [name for name in files if not _is_here(name)]
        sources = remote.read_remote(client, options.url, there)
        files = [*sources, *(loading.read(here) if here else [])]
        if not files:
            raise BakeFileError(f"couldn't find a bake definition in {options.url}")
    return loading.load(
        [
            name.removeprefix(_WORKING_DIRECTORY) if isinstance(name, str) else name
            for name in files
        ],
        variables=options.variables,
        overrides=overrides,
        command_context=options.command_context,
    )


def _is_here(name: str) -> bool:
    return name.startswith(_WORKING_DIRECTORY)


def _files_of_environment() -> list[str]:
    separator = os.environ.get(_SEPARATOR) or os.pathsep
    return [name.strip() for name in os.environ.get(_FILES, "").split(separator) if name.strip()]


def _selection(plan: Plan, options: _Options) -> Selection:
    selection = plan.select(options.targets)
    if options.url is not None:
        selection = remote.with_remote_contexts(selection, options.url)
    if any(map(_disables, options.policies)):
        policy = (PolicyEntry(disabled=True),)
        targets = {name: evolve(t, policy=policy) for name, t in selection.targets.items()}
        selection = Selection(targets, selection.groups)
    return prepared(selection, os.environ.get("SOURCE_DATE_EPOCH", ""))


def _check_privileges(selection: Selection, allowed: entitlements.Allowed) -> None:
    """Ask for privileges that are not allowed, on a terminal. Raises BakeFileError."""
    missing = entitlements.missing(selection, allowed)
    if not missing:
        return
    click.echo(missing.describe(), err=True)
    if sys.stdin.isatty() and click.confirm(
        "Do you want to grant requested privileges and continue?", err=True
    ):
        return
    raise missing.to_error()


def _all_platforms(selection: Selection) -> set[str]:
    return {name for target in selection.targets.values() for name in platforms(target)}


def _run(client: Client, selection: Selection, options: _Options, limits: jobs.Jobs) -> None:
    requests = {
        name: calls.Call.parse(target.call or "build") for name, target in selection.targets.items()
    }
    if any(request is not None for request in requests.values()):
        sys.exit(_call(client, selection, requests, options))
    progress = display.display(options.progress)
    results: dict[str, SolveResult] = {}
    try:
        with progress:
            run.build_selection(
                selection,
                client,
                jobs=limits,
                on_event=progress,
                on_report=progress.on_report,
                on_result=results.__setitem__,
            )
    except ExceptionGroup:
        # With deferred errors, some targets were built.
        _write_results(client, results, options.metadata_file)
        raise
    _write_results(client, results, options.metadata_file)


def _write_results(
    client: Client, results: dict[str, SolveResult], metadata_file: Path | None
) -> None:
    if metadata_file is not None:
        metadata = {
            name: build_metadata(client, result) for name, result in sorted(results.items())
        }
        write_metadata(metadata_file, metadata)
    for name, result in sorted(results.items()):
        if result.digest is not None:
            click.echo(f"{name}: image digest {result.digest}", err=True)


def _call(
    client: llb.client.Client,
    selection: Selection,
    requests: dict[str, calls.Call | None],
    options: _Options,
) -> int:
    """Print the answers about all targets that are not built; return the exit status."""
    status = 0
    asked = {name: request for name, request in sorted(requests.items()) if request is not None}
    for name, request in asked.items():
        target = selection.targets[name]
        if target.is_linked:
            continue
        progress = display.display(options.progress)
        with progress:
            answer = calls.call(target, client, request, progress, progress.on_report)
        if len(asked) > 1:
            click.echo(f"{name}:")
        click.echo(answer.text, nl=not answer.text.endswith("\n"))
        if answer.error is not None:
            click.echo(render(answer.error, for_command=True), err=True)
        status = max(status, answer.status)
    return status
