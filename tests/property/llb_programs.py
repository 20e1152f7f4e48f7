"""Hypothesis strategies for programs of :mod:`tests.conformance.llb.programs`.

They are biased towards past bugs of clients: trees that are used many times, equal operations with
different metadata, merges with the empty tree, mounts in any order, relative directories and
unusual names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from llb import Scratch
from tests.conformance.llb.programs import Interpreter
from tests.property import llb_values as values
from tests.property.llb_values import flag, optional, some, strings

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from tests.conformance.llb.programs import Program, Statement

FILES: list[dict[str, Any]] = [
    {"name": "Dockerfile", "language": "Dockerfile", "data": "RlJPTSBhbHBpbmUK"},
    {"name": "build.py", "language": "Python", "data": "cHJpbnQoKQo="},
    {"name": "Dockerfile", "language": "Dockerfile", "data": "RlJPTSBhbHBpbmUK"},
    {"name": "Dockerfile", "language": "", "data": "RlJPTSBhbHBpbmUK"},
    {"name": "", "language": "", "data": ""},
    {"name": "nested", "language": "Go", "data": "", "state": 0},
]
_RANGE = st.tuples(*[st.integers(0, 100)] * 4).map(list)
LOCATIONS = some(
    st.fixed_dictionaries(
        {"file": st.integers(0, len(FILES) - 1), "ranges": st.lists(_RANGE, max_size=2)}
    )
)

# Go's sort keeps the order of mounts at one target up to this number of mounts.
STABLE_MOUNTS = 12
MOST_STATES = 320

number = st.integers(0, 255)

SOURCES: dict[str, tuple[str, SearchStrategy[str], dict[str, SearchStrategy[Any]]]] = {
    "image": (
        "ref",
        values.references,
        {
            "platform": values.platforms,
            "resolve_mode": st.sampled_from(["default", "pull", "local"]),
            "record_type": st.sampled_from(["internal", "frontend"]),
            "layer_limit": st.integers(1, 20),
            "checksum": values.digests,
            "config": values.configs,
        },
    ),
    "local": (
        "name",
        strings("context", "dockerfile"),
        {
            "include": values.patterns,
            "exclude": values.patterns,
            "follow_paths": values.patterns,
            "shared_key": strings("key"),
            "session_id": strings("session"),
            "unique_id": strings("mine"),
            "differ": st.sampled_from(["none", "metadata"]),
            "differ_required": flag,
            "metadata_only": flag | values.patterns,
        },
    ),
    "git": (
        "url",
        values.repositories,
        {
            "ref": values.refs,
            "subdir": st.sampled_from(["sub", "/sub/dir/", "../x", "a b", "."]),
            "checksum": st.just(values.COMMIT),
            "keep_git_dir": flag,
            "skip_submodules": flag,
            "mtime": st.sampled_from(["checkout", "commit"]),
            "advice": flag,
            "fetch_by_commit": flag,
            "auth_token_secret": strings("token"),
            "auth_header_secret": strings("header"),
            "known_hosts": st.just("not read over https"),
            "ssh": st.just("nor this"),
            "bundle": st.just(f"oci-layout+blob://b@{values.DIGEST}"),
            "checkout_bundle": flag,
        },
    ),
    "http": (
        "url",
        values.urls,
        {
            "checksum": values.digests,
            "filename": strings("f.txt"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
            "auth_header_secret": strings("token"),
            "accept": strings("text/plain"),
            "user_agent": strings("me/1.0"),
            "pgp_public_key": values.armored,
            "pgp_signature": values.armored,
        },
    ),
    "oci_layout": (
        "ref",
        st.sampled_from([f"name@{values.DIGEST}", f"a.b/c:1@{values.OTHER_DIGEST}"]),
        {
            "session_id": strings("session"),
            "store_id": strings("store"),
            "layer_limit": st.integers(1, 20),
            "platform": values.platforms,
        },
    ),
    "image_blob": (
        "ref",
        values.blobs,
        {
            "filename": strings("f"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
        },
    ),
    "oci_layout_blob": (
        "ref",
        values.blobs,
        {
            "filename": strings("f"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
            "session_id": strings("session"),
            "store_id": strings("store"),
        },
    ),
}
SETTINGS: dict[str, dict[str, SearchStrategy[Any]]] = {
    "env": {"key": values.keys, "value": values.env_values},
    "unset_env": {"key": values.keys},
    "workdir": {"path": values.paths},
    "user": {"value": strings("app", "1000:1000", "")},
    "hostname": {"value": strings("builder", "")},
    "platform": {"platform": values.platforms},
    "network": {"value": st.sampled_from(["sandbox", "host", "none"])},
    "security": {"value": st.sampled_from(["sandbox", "insecure"])},
    "extra_host": {"host": strings("a.example"), "ip": values.addresses},
    "ulimit": {
        "name": values.ulimit_names,
        "soft": st.sampled_from([-1, 0, 1024]),
        "hard": st.sampled_from([-1, 1024, 2**63 - 1]),
    },
    "cgroup_parent": {"value": strings("/parent", "")},
    "image_config": {"config": values.configs},
}
RUN: dict[str, SearchStrategy[Any]] = {
    "env": st.lists(st.tuples(values.keys, values.env_values), max_size=3, unique_by=lambda e: e[0]),
    "workdir": values.paths,
    "user": strings("root", ""),
    "network": st.sampled_from(["sandbox", "host", "none"]),
    "security": st.sampled_from(["sandbox", "insecure"]),
    "readonly_root": flag,
    "valid_exit_codes": some(number),
    "devices": some(
        st.fixed_dictionaries({"name": strings("vendor/class=a")}, optional={"optional": flag})
    ),
    "proxy": optional(
        dict.fromkeys(
            ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"), strings("http://p")
        )
    ),
}  # fmt: skip
RESOURCES = optional({
    "memory": values.int64, "memory_swap": values.limits, "cpu_shares": values.uint64, "cpu_period": values.uint64,
    "cpu_quota": values.limits, "cpuset_cpus": strings("0-1"), "cpuset_mems": strings("0"),
})  # fmt: skip
STEP: dict[str, SearchStrategy[Any]] = {
    "name": strings("a step", ""),
    "description": st.dictionaries(strings("k", "llb.customname"), strings("v", ""), max_size=2),
    "ignore_cache": flag,
    "export_cache": flag,
    "progress_group": st.fixed_dictionaries(
        {"id": strings("id"), "name": strings("group", "")}, optional={"weak": flag}
    ),
    "resources": RESOURCES,
    "worker_filters": some(strings("platform==linux/amd64")),
}
FILE_MODES = {"mode": values.modes, "owner": values.owners, "created": values.moments}
OWNED = {"owner": values.owners, "created": values.moments}
COPY: dict[str, SearchStrategy[Any]] = {
    **OWNED,
    "mode": values.modes | values.symbolic,
    "src": values.paths,
    "include": values.patterns,
    "exclude": values.patterns,
    "required": values.patterns,
    "follow_symlinks": flag,
    "contents_only": flag,
    "unpack": flag,
    "create_dest_path": flag,
    "wildcard": flag,
    "allow_empty_wildcard": flag,
    "replace": flag,
}
TREE_MOUNT: dict[str, SearchStrategy[Any]] = {"path": strings("sub", "/sub"), "readonly": flag}
RESOLVED = st.fixed_dictionaries(
    {"digest": values.digests | st.just("")}, optional={"resolve_digest": flag}
)
MOUNTS: dict[str, dict[str, SearchStrategy[Any]]] = {
    "bind": {
        **TREE_MOUNT,
        "discard": flag,
        "content_cache": st.sampled_from(["default", "on", "off"]),
    },
    "cache": {
        **TREE_MOUNT,
        "id": strings("mine"),
        "sharing": st.sampled_from(["shared", "private", "locked"]),
    },
    "tmpfs": {"size": st.sampled_from([0, 1, 2**20, 2**62])},
    "secret": {
        "target": values.targets,
        "env": strings("KEY"),
        "uid": values.ids32,
        "gid": values.ids32,
        "mode": values.modes,
        "optional": flag,
    },
    "ssh": {
        "id": strings("one"),
        "target": values.targets,
        "uid": values.ids32,
        "gid": values.ids32,
        "mode": values.modes,
        "optional": flag,
    },
}


OPTIONS = optional(
    {
        "platform": values.platforms,
        "unique": strings("unique"),
        "caps": st.sampled_from([[], ["exec.meta.setsdefaultpath"], ["exec.meta.base"]]),
        "filters": some(strings("platform==linux/arm64")),
    }
)


@st.composite
def programs(draw: DrawFn) -> Program:
    """Draw programs of one to several hundred operations."""
    # A definition that is read back depends on these.
    options = draw(OPTIONS)
    writer = Writer(draw, options, Interpreter({**options, "files": FILES}))
    writer.add({"op": "image", "ref": "alpine"})
    often = draw(st.sampled_from([3, 20]))
    while len(writer.states) < MOST_STATES and draw(_another(writer, often)):
        pass
    if draw(st.integers(0, 3)):
        writer.gather()
    return writer.program()


@st.composite
def _another(draw: DrawFn, writer: Writer, often: int) -> bool:
    """Add a statement or end; it is a separate strategy because hypothesis can then drop it."""
    if not draw(st.integers(0, often)):
        return False
    evolve(writer, draw=draw).any()
    return True


@frozen
class Writer:
    """A program that is drawn statement by statement."""

    draw: DrawFn
    options: dict[str, Any]
    interpreter: Interpreter
    states: list[Statement] = field(factory=list)
    used: set[int] = field(factory=set)

    def any(self) -> None:
        """Add a statement, or several."""
        kinds = (
            *[self.run] * 4,
            *[self.file] * 4,
            *[self.settle] * 4,
            *[self.source] * 2,
            *[self.merge] * 2,
            *[self.diff] * 2,
            self.mounted,
            self.passthrough,
            self.requires,
            self.build,
            self.nested,
            self.resettle,
            self.again,
            self.chain,
            self.ladder,
        )
        self.draw(st.sampled_from(kinds))()

    def program(self) -> Program:
        """Build the program from the statements."""
        located = any(state.get("step", {}).get("locations") for state in self.states)
        files = {"files": FILES} if located else {}
        return {**self.options, **files, "states": self.states}

    # --- statements -----------------------------------------------------------

    def source(self) -> None:
        """Add a source of any kind, or the empty tree."""
        kind = self.draw(st.sampled_from(["image", "image", "local", "scratch", *SOURCES, "ssh"]))
        if kind == "scratch":
            self.add({"op": "scratch"})
        elif kind == "ssh":
            # Without known hosts, Go would ask the host for them.
            fields: dict[str, Any]
            ssh_options = optional({"known_hosts": strings("x y z\n"), "ssh": strings("mine")})
            fields = {"known_hosts": "a b c"} | self.draw(ssh_options)
            self.step("git", url=self.draw(values.ssh_repositories), options=fields)
        else:
            key, names, strategies = SOURCES[kind]
            fields = {key: self.draw(names)}
            if options := self.draw(optional(strategies)):
                fields["options"] = options
            if "config" in options:
                options |= self.draw(RESOLVED)
            self.step(kind, **fields)

    def settle(self) -> None:
        """Add a statement that changes settings."""
        kind = self.draw(st.sampled_from([*SETTINGS, "env", "workdir"]))
        fields = self.draw(st.fixed_dictionaries(SETTINGS[kind]))
        if kind == "ulimit" and fields["soft"] > fields["hard"] != -1:
            fields["soft"] = fields["hard"]
        self.add({"op": kind, "on": self.pick(), **fields})

    def run(self) -> None:
        """Add a process."""
        command: dict[str, Any] = self.draw(
            st.fixed_dictionaries({"command": strings("ls").map("echo {}".format)})
            | st.fixed_dictionaries({"args": st.lists(strings("ls", ""), min_size=1, max_size=4)})
        )
        fields: dict[str, Any] = {"on": self.pick(), **command}
        if options := self.draw(optional(RUN)):
            fields["options"] = options
        fields["mounts"] = [self.mount() for _ in range(self.draw(st.integers(0, 5)))]
        self.step("run", **fields)

    def mount(self, target: str | None = None) -> dict[str, Any]:
        """Draw a mount of any kind."""
        kind = self.draw(st.sampled_from(["bind", "bind", *MOUNTS]))
        mount = {"kind": kind, **self.draw(optional(MOUNTS[kind]))}
        if kind == "secret":
            mount["id"] = self.draw(strings("key"))
        elif kind != "ssh":
            mount["target"] = target or self.draw(values.targets)
        if kind in ("bind", "cache") and self.draw(st.integers(0, 3)):
            mount["source"] = self.pick()
        return mount

    def mounted(self) -> None:
        """Add the result of a mount that a run wrote to, if there is such a run."""
        candidates = [
            (number, mount["target"])
            for number, state in enumerate(self.states)
            for mount in state.get("mounts", ())
            if mount["kind"] == "bind" and not mount.get("readonly") and not mount.get("discard")
            if sum(peer.get("target") == mount["target"] for peer in state["mounts"]) == 1
        ]
        if candidates:
            on, target = self.draw(st.sampled_from(candidates))
            self.use(on)
            self.add({"op": "mounted", "on": on, "target": target})

    def file(self) -> None:
        """Add file actions in one step."""
        actions = [self.action() for _ in range(self.draw(st.integers(1, 4)))]
        self.step("file", on=self.pick(), actions=actions)

    def action(self) -> dict[str, Any]:
        """Draw a file action of any kind."""
        kind = self.draw(st.sampled_from(["copy", "copy", "mkdir", "mkfile", "rm", "symlink"]))
        path = self.draw(values.paths)
        match kind:
            case "copy":
                return {"kind": kind, "source": self.pick(), "dest": path, **self.optional(COPY)}
            case "mkdir":
                options = {**FILE_MODES, "parents": flag}
                return {"kind": kind, "path": path, **self.optional(options)}
            case "mkfile":
                data = self.draw(values.binary)
                return {"kind": kind, "path": path, "data": data, **self.optional(FILE_MODES)}
            case "symlink":
                dest = self.draw(values.paths)
                return {"kind": kind, "path": path, "dest": dest, **self.optional(OWNED)}
            case _:
                options = {"allow_not_found": flag, "wildcard": flag}
                return {"kind": kind, "path": path, **self.optional(options)}

    def merge(self) -> None:
        """Add a merge, also of empty and of equal trees."""
        picked = [self.pick() for _ in range(self.draw(st.integers(0, 5)))]
        self.step("merge", states=self.of_one_platform(picked))

    def diff(self) -> None:
        """Add a difference."""
        picked = [self.pick(), self.pick()]
        if self.of_one_platform(picked) == picked:
            self.step("diff", on=picked[0], other=picked[1])

    def passthrough(self) -> None:
        """Add a passthrough of trees, which are available after all are built, and use some."""
        picked = [self.pick() for _ in range(self.draw(st.integers(1, 3)))]
        # A passthrough of empty trees only is not allowed.
        states = [0, *picked] if picked[0] == 0 else [*picked, 0]
        needed = [self.pick() for _ in range(self.draw(st.integers(0, 2)))]
        name = self.draw(strings("id"))
        self.step("passthrough", id=name, states=states, requires=needed)
        passthrough = len(self.states) - 1
        for index in self.draw(st.lists(st.integers(0, len(states) - 1), max_size=2)):
            self.add({"op": "output", "on": passthrough, "index": index})
            self.use(passthrough)

    def requires(self) -> None:
        """Add a state that requires others."""
        needed = [self.pick() for _ in range(self.draw(st.integers(0, 3)))]
        on = self.pick()
        if self.is_built(on):
            self.step("requires", id=self.draw(strings("id")), on=on, requires=needed)

    def build(self) -> None:
        """Add a build of a definition in a tree."""
        on = self.pick()
        if self.is_built(on):
            self.step("build", on=on, filename=self.draw(strings("file", "")))

    def nested(self) -> None:
        """Add a state that is decoded from its definition."""
        self.add({"op": "definition", "on": self.pick()})

    def resettle(self) -> None:
        """Add the tree of one state with the settings of another."""
        self.add({"op": "with_output", "on": self.pick(), "other": self.pick()})

    # --- patterns ---------------------------------------------------------------

    def again(self) -> None:
        """Add an equal operation with different metadata, and use both."""
        number = self.pick()
        if "step" not in self.states[number]:
            return
        kept = {"worker_filters": self.states[number]["step"].get("worker_filters", [])}
        self.add({**self.states[number], "step": self.metadata() | kept})
        copied = len(self.states) - 1
        self.step("file", on=number, actions=[{"kind": "copy", "source": copied, "dest": "/again"}])

    def chain(self) -> None:
        """Add a chain of many steps."""
        for count in range(self.draw(st.integers(1, 100))):
            self.add({"op": "run", "on": self.pick(-1), "args": ["echo", str(count)]})

    def ladder(self) -> None:
        """Add a ladder of diamonds."""
        base = self.pick()
        for _ in range(self.draw(st.integers(1, 12))):
            last = self.pick(-1)
            actions = [{"kind": "copy", "source": last, "dest": f"/{side}"} for side in "lr"]
            self.add({"op": "file", "on": base, "actions": actions})

    def gather(self) -> None:
        """Add a statement that uses all unused states, so the definition contains every state."""
        left = [number for number in range(len(self.states)) if number not in self.used] or [0]
        match self.draw(st.sampled_from(["merge", "copy", "mount"])):
            case "merge":
                self.step("merge", states=self.of_one_platform(left))
            case "copy":
                actions = [{"kind": "copy", "source": number, "dest": "/x"} for number in left]
                self.step("file", on=self.pick(), actions=actions)
            case _:
                mounts = [
                    {"kind": "bind", "source": number, "target": f"/{number * 7 % 10}/{number}"}
                    for number in left
                ]
                self.step("run", on=self.pick(), args=["ls"], mounts=mounts)

    # --- helpers ----------------------------------------------------------------

    def optional(self, options: dict[str, SearchStrategy[Any]]) -> dict[str, Any]:
        """Draw a few of the options."""
        return self.draw(optional(options))

    def pick(self, number: int | None = None) -> int:
        """Pick a state to use, often the last or one of the first, and return its number."""
        last = len(self.states) - 1
        if number is None:
            number = self.draw(st.just(last) | st.integers(0, last) | st.integers(0, min(last, 2)))
        number %= len(self.states)
        self.use(number)
        return number

    def of_one_platform(self, picked: list[int]) -> list[int]:
        """Keep the states of one platform; trees of different platforms cannot be merged."""
        platforms = [
            self.interpreter.values[number].settings.platform if self.is_built(number) else None
            for number in picked
        ]
        first = next((platform for platform in platforms if platform is not None), None)
        return [
            number
            for number, platform in zip(picked, platforms, strict=True)
            if platform in (None, first)
        ]

    def is_built(self, number: int) -> bool:
        """Check whether a state is more than the empty tree."""
        return self.interpreter.values[number].output is not None

    def use(self, number: int) -> None:
        """Record that another statement uses this one."""
        self.used.add(number)

    def metadata(self) -> dict[str, Any]:
        """Draw a few options of a step."""
        step = self.optional(STEP)
        if self.draw(st.integers(0, 3)) == 3:
            step["locations"] = self.draw(LOCATIONS)
        return step

    def step(self, kind: str, **fields: Any) -> None:
        """Add a statement that creates an operation."""
        self.add({"op": kind, **fields, "step": self.metadata()})

    def add(self, statement: Statement) -> None:
        """Add a statement."""
        spell = self.draw(st.just(0) | st.integers(0, 1023))
        self.states.append({**statement, "spell": spell} if spell else statement)
        try:
            self.interpreter.values.append(self.interpreter.make(statement))
        except Exception:  # noqa: BLE001
            # An invalid statement is refused again when the program runs, and the test sees it.
            self.interpreter.values.append(Scratch())
