"""Programs: graphs as JSON, which recorder/program.go and :func:`run` both run.

A program is a list of statements, each of which builds a state from earlier ones; the result is
the last. Options have the same names as in this library, and those of a step are under ``step``.
``spell`` is for Go only, to select one of several equivalent spellings. Unknown options are never
ignored: an invalid statement raises KeyError or TypeError.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen, mutable

from llb import (
    HTTP,
    Device,
    Git,
    Image,
    ImageBlob,
    LinuxResources,
    Local,
    Location,
    Network,
    OCILayout,
    OCILayoutBlob,
    Platform,
    ProgressGroup,
    ProxyEnv,
    Range,
    ResolvedImage,
    Scratch,
    Security,
    SourceFile,
    State,
    bind,
    cache,
    copy,
    diff,
    from_definition,
    merge,
    mkdir,
    mkfile,
    passthrough,
    rm,
    secret,
    shlex,
    ssh,
    symlink,
    tmpfs,
)
from llb._pb import ops_pb2 as pb
from llb.buildkit_names import DEFAULT_SHELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb import Definition
    from llb.ops.nodes import FileAction
    from llb.state.settings import MountValue

# Decoded JSON. The code that runs a statement shows its keys, except ``op``.
Program: TypeAlias = dict[str, Any]
Statement: TypeAlias = dict[str, Any]

EPOCH = datetime.fromtimestamp(0, UTC)
AMD64 = {"os": "linux", "architecture": "amd64"}
NET_MODES = {Network.SANDBOX: "UNSET", Network.HOST: "HOST", Network.NONE: "NONE"}


@frozen
class Answer:
    """The result of a program: a definition, and the settings of the final state."""

    definition: bytes
    head: str
    settings: dict[str, str]
    env: list[str]


def run(program: Program) -> Answer:
    """Run the program. Raises LLBError if the library refuses it."""
    interpreter = Interpreter(program)
    for statement in program["states"]:
        interpreter.values.append(interpreter.make(statement))
    state = interpreter.values[-1]
    definition = interpreter.marshal(state)
    return Answer(
        definition=canonical(definition.to_bytes()),
        head=definition.head or "",
        settings=_settings(state),
        env=[f"{key}={value}" for key, value in _process(state).env.items()],
    )


def canonical(definition: bytes) -> bytes:
    """Sort the maps of a serialized ``pb.Definition``, whose order Go leaves undefined."""
    return pb.Definition.FromString(definition).SerializeToString(deterministic=True)


def _settings(state: State) -> dict[str, str]:
    settings = {
        "cwd": _process(state).cwd,
        "hostname": _process(state).hostname,
        "network": NET_MODES[_process(state).network],
        "security": _process(state).security.name,
    }
    if state.settings.platform is not None:
        settings["platform"] = str(state.settings.platform)
    return settings


def _process(state: State) -> Any:
    return getattr(state.settings, "process", state.settings)


def platform(fields: dict[str, Any]) -> Platform:
    """Build a platform as written, without normalization."""
    return Platform(
        fields["os"],
        fields["architecture"],
        fields.get("variant"),
        fields.get("os_version"),
        tuple(fields.get("os_features", ())),
    )


@frozen
class _FixedResolver:
    """A resolver that returns the same config and digest for every image."""

    image: ResolvedImage

    def resolve_image_config(self, ref: str, **_: object) -> ResolvedImage:
        return self.image


@mutable
class Interpreter:
    """A running program, with the states that its statements have built."""

    program: Program
    values: list[State] = field(factory=list)
    passthroughs: dict[int, tuple[State, ...]] = field(factory=dict)
    files: dict[int, SourceFile] = field(factory=dict)

    def make(self, statement: Statement) -> State:
        """Run a statement. Raises LLBError if the library refuses it."""
        state: State = getattr(self, f"_{statement['op']}")(statement)
        return state

    def marshal(self, state: State) -> Definition:
        """Marshal a state with the options of the program."""
        options: dict[str, Any] = {}
        if self.program.get("filters"):
            options["worker_filters"] = self.program["filters"]
        return state.marshal(
            platform=platform(self.program.get("platform") or AMD64),
            local_unique_id=self.program.get("unique", ""),
            caps=self.program.get("caps"),
            **options,
        )

    # --- sources --------------------------------------------------------------

    def _scratch(self, _: Statement) -> State:
        return Scratch()

    def _image(self, statement: Statement) -> State:
        options = self._options(statement)
        if "config" in options:
            resolver = _FixedResolver(
                ResolvedImage(options.pop("digest", ""), options.pop("config").encode())
            )
            options["resolver"] = resolver
        return Image(statement["ref"], **options)

    def _local(self, statement: Statement) -> State:
        return Local(statement["name"], **self._options(statement))

    def _git(self, statement: Statement) -> State:
        return Git(statement["url"], **self._options(statement))

    def _http(self, statement: Statement) -> State:
        options = self._options(statement)
        for key in ("pgp_public_key", "pgp_signature"):
            if key in options:
                options[key] = base64.b64decode(options[key])
        return HTTP(statement["url"], **options)

    def _oci_layout(self, statement: Statement) -> State:
        return OCILayout(statement["ref"], **self._options(statement))

    def _image_blob(self, statement: Statement) -> State:
        return ImageBlob(statement["ref"], **self._options(statement))

    def _oci_layout_blob(self, statement: Statement) -> State:
        return OCILayoutBlob(statement["ref"], **self._options(statement))

    # --- settings -------------------------------------------------------------

    def _env(self, statement: Statement) -> State:
        return self._on(statement).env(statement["key"], statement["value"])

    def _unset_env(self, statement: Statement) -> State:
        return self._on(statement).env(statement["key"], None)

    def _workdir(self, statement: Statement) -> State:
        return self._on(statement).workdir(statement["path"])

    def _user(self, statement: Statement) -> State:
        return self._on(statement).user(statement["value"])

    def _hostname(self, statement: Statement) -> State:
        return self._on(statement).hostname(statement["value"])

    def _platform(self, statement: Statement) -> State:
        return self._on(statement).platform(platform(statement["platform"]))

    def _network(self, statement: Statement) -> State:
        return self._on(statement).network(Network[statement["value"].upper()])

    def _security(self, statement: Statement) -> State:
        return self._on(statement).security(Security[statement["value"].upper()])

    def _extra_host(self, statement: Statement) -> State:
        return self._on(statement).extra_host(statement["host"], statement["ip"])

    def _ulimit(self, statement: Statement) -> State:
        name, soft, hard = statement["name"], statement["soft"], statement["hard"]
        return self._on(statement).ulimit(name, soft, hard)

    def _cgroup_parent(self, statement: Statement) -> State:
        return self._on(statement).cgroup_parent(statement["value"])

    def _image_config(self, statement: Statement) -> State:
        return self._on(statement).with_image_config(statement["config"])

    # --- steps ----------------------------------------------------------------

    def _run(self, statement: Statement) -> State:
        options = self._options(statement)
        for key, kind in (("network", Network), ("security", Security)):
            if key in options:
                options[key] = kind[options[key].upper()]
        if "env" in options:
            options["env"] = dict(options["env"])
        if "devices" in options:
            options["devices"] = [Device(**device) for device in options["devices"]]
        if "proxy" in options:
            options["proxy"] = ProxyEnv(**options["proxy"])
        mounts = [self._mount(mount) for mount in statement.get("mounts", ())]
        state = self._on(statement)
        return state.run(_command(statement, state), mounts=mounts, **options)

    def _mounted(self, statement: Statement) -> State:
        return self._on(statement).mounted(statement["target"])

    def _mount(self, mount: dict[str, Any]) -> MountValue:
        options = {key: value for key, value in mount.items() if key != "kind"}
        source = options.pop("source", None)
        tree = Scratch() if source is None else self.values[source]
        match mount["kind"]:
            case "bind":
                return bind(tree, options.pop("target"), **options)
            case "cache":
                source = {} if source is None else {"source": tree}
                return cache(options.pop("target"), **options, **source)
            case "tmpfs":
                return tmpfs(options.pop("target"), **options)
            case "secret":
                return secret(options.pop("id"), **options)
            case _:
                return ssh(options.pop("id", "default"), **options)

    def _file(self, statement: Statement) -> State:
        actions = [self._action(action) for action in statement["actions"]]
        return self._on(statement).file(*actions, **self._step(statement))

    def _action(self, action: dict[str, Any]) -> FileAction:
        options = {key: value for key, value in action.items() if key != "kind"}
        if "created" in options:
            options["created"] = EPOCH + timedelta(microseconds=options["created"])
        match action["kind"]:
            case "copy":
                tree = self.values[options.pop("source")]
                return copy(tree, options.pop("dest"), **options)
            case "mkdir":
                return mkdir(options.pop("path"), **options)
            case "mkfile":
                data = base64.b64decode(options.pop("data"))
                return mkfile(options.pop("path"), data, **options)
            case "symlink":
                return symlink(options.pop("path"), options.pop("dest"), **options)
            case _:
                return rm(options.pop("path"), **options)

    # --- whole trees ----------------------------------------------------------

    def _merge(self, statement: Statement) -> State:
        return merge(self._states(statement), **self._step(statement))

    def _diff(self, statement: Statement) -> State:
        upper = self.values[statement["other"]]
        return diff(self._on(statement), upper, **self._step(statement))

    def _passthrough(self, statement: Statement) -> State:
        required = [self.values[number] for number in statement.get("requires", ())]
        outputs = passthrough(
            statement["id"], self._states(statement), requires=required, **self._step(statement)
        )
        self.passthroughs[len(self.values)] = outputs
        return outputs[0]

    def _output(self, statement: Statement) -> State:
        return self.passthroughs[statement["on"]][statement["index"]]

    def _requires(self, statement: Statement) -> State:
        required = [self.values[number] for number in statement["requires"]]
        return self._on(statement).requires(statement["id"], *required, **self._step(statement))

    def _build(self, statement: Statement) -> State:
        return self._on(statement).build(statement.get("filename"), **self._step(statement))

    def _definition(self, statement: Statement) -> State:
        return from_definition(self.marshal(self._on(statement)))

    def _with_output(self, statement: Statement) -> State:
        return self._on(statement).with_output(self.values[statement["other"]])

    # --- parts of statements ----------------------------------------------------

    def _on(self, statement: Statement) -> State:
        return self.values[statement["on"]]

    def _states(self, statement: Statement) -> list[State]:
        return [self.values[number] for number in statement["states"]]

    def _options(self, statement: Statement) -> dict[str, Any]:
        options = dict(statement.get("options", {}))
        if "platform" in options:
            options["platform"] = platform(options["platform"])
        return options | self._step(statement)

    def _step(self, statement: Statement) -> dict[str, Any]:
        step = dict(statement.get("step", {}))
        step["locations"] = [self._location(location) for location in step.get("locations", ())]
        if "progress_group" in step:
            step["progress_group"] = ProgressGroup(**step["progress_group"])
        if "resources" in step:
            step["resources"] = LinuxResources(**step["resources"])
        return step

    def _location(self, location: dict[str, Any]) -> Location:
        number = location["file"]
        if number not in self.files:
            file = self.program["files"][number]
            state = file.get("state")
            self.files[number] = SourceFile(
                file["name"],
                base64.b64decode(file["data"]),
                file["language"],
                None if state is None else self.marshal(self.values[state]).to_bytes(),
            )
        return Location(self.files[number], tuple(Range(*lines) for lines in location["ranges"]))


def _command(statement: Statement, state: State) -> str | Sequence[str]:
    if "shlex" in statement:
        return shlex(statement["shlex"])
    if "command" in statement and state._shell != DEFAULT_SHELL:
        # Go's client ignores the shell of an image, and the recorder uses that of Linux.
        return [*DEFAULT_SHELL, statement["command"]]
    command: str | list[str] = statement["command"] if "command" in statement else statement["args"]
    return command
