"""Random programs for :mod:`tests.conformance.llb.programs`, as hypothesis draws them.

They are biased to what has gone wrong in clients: trees that are used many times,
equal operations with different metadata, merges with the empty tree, mounts in any
order, relative directories and names that no one expects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from llb import Scratch
from tests.conformance.llb.programs import Interpreter
from tests.property import llb_values as values
from tests.property.llb_values import flag, optional, some, texts

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

# Go's sort keeps the order of mounts at one target as long as they are no more than these.
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
        texts("context", "dockerfile"),
        {
            "include": values.patterns,
            "exclude": values.patterns,
            "follow_paths": values.patterns,
            "shared_key": texts("key"),
            "session_id": texts("session"),
            "unique_id": texts("mine"),
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
            "fetch_by_commit": flag,
            "auth_token_secret": texts("token"),
            "auth_header_secret": texts("header"),
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
            "filename": texts("f.txt"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
            "auth_header_secret": texts("token"),
            "accept": texts("text/plain"),
            "user_agent": texts("me/1.0"),
            "pgp_public_key": values.armored,
            "pgp_signature": values.armored,
        },
    ),
    "oci_layout": (
        "ref",
        st.sampled_from([f"name@{values.DIGEST}", f"a.b/c:1@{values.OTHER_DIGEST}"]),
        {
            "session_id": texts("session"),
            "store_id": texts("store"),
            "layer_limit": st.integers(1, 20),
            "platform": values.platforms,
        },
    ),
    "image_blob": (
        "ref",
        values.blobs,
        {
            "filename": texts("f"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
        },
    ),
    "oci_layout_blob": (
        "ref",
        values.blobs,
        {
            "filename": texts("f"),
            "mode": values.modes,
            "uid": values.ids32,
            "gid": values.ids32,
            "session_id": texts("session"),
            "store_id": texts("store"),
        },
    ),
}
SETTINGS: dict[str, dict[str, SearchStrategy[Any]]] = {
    "env": {"key": values.keys, "value": values.env_values},
    "unset_env": {"key": values.keys},
    "workdir": {"path": values.paths},
    "user": {"value": texts("app", "1000:1000", "")},
    "hostname": {"value": texts("builder", "")},
    "platform": {"platform": values.platforms},
    "network": {"value": st.sampled_from(["sandbox", "host", "none"])},
    "security": {"value": st.sampled_from(["sandbox", "insecure"])},
    "extra_host": {"host": texts("a.example"), "ip": values.addresses},
    "ulimit": {
        "name": values.ulimit_names,
        "soft": st.sampled_from([-1, 0, 1024]),
        "hard": st.sampled_from([-1, 1024, 2**63 - 1]),
    },
    "cgroup_parent": {"value": texts("/parent", "")},
    "image_config": {"config": values.configs},
}
RUN: dict[str, SearchStrategy[Any]] = {
    "env": st.lists(st.tuples(values.keys, values.env_values), max_size=3, unique_by=lambda e: e[0]),
    "workdir": values.paths,
    "user": texts("root", ""),
    "network": st.sampled_from(["sandbox", "host", "none"]),
    "security": st.sampled_from(["sandbox", "insecure"]),
    "readonly_root": flag,
    "valid_exit_codes": some(number),
    "devices": some(
        st.fixed_dictionaries({"name": texts("vendor/class=a")}, optional={"optional": flag})
    ),
    "proxy": optional(
        dict.fromkeys(
            ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"), texts("http://p")
        )
    ),
}  # fmt: skip
RESOURCES = optional({
    "memory": values.int64, "memory_swap": values.limits, "cpu_shares": values.uint64, "cpu_period": values.uint64,
    "cpu_quota": values.limits, "cpuset_cpus": texts("0-1"), "cpuset_mems": texts("0"),
})  # fmt: skip
STEP: dict[str, SearchStrategy[Any]] = {
    "name": texts("a step", ""),
    "description": st.dictionaries(texts("k", "llb.customname"), texts("v", ""), max_size=2),
    "ignore_cache": flag,
    "export_cache": flag,
    "progress_group": st.fixed_dictionaries(
        {"id": texts("id"), "name": texts("group", "")}, optional={"weak": flag}
    ),
    "resources": RESOURCES,
    "worker_filters": some(texts("platform==linux/amd64")),
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
TREE_MOUNT: dict[str, SearchStrategy[Any]] = {"path": texts("sub", "/sub"), "readonly": flag}
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
        "id": texts("mine"),
        "sharing": st.sampled_from(["shared", "private", "locked"]),
    },
    "tmpfs": {"size": st.sampled_from([0, 1, 2**20, 2**62])},
    "secret": {
        "target": values.targets,
        "env": texts("KEY"),
        "uid": values.ids32,
        "gid": values.ids32,
        "mode": values.modes,
        "optional": flag,
    },
    "ssh": {
        "id": texts("one"),
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
        "unique": texts("unique"),
        "caps": st.sampled_from([[], ["exec.meta.setsdefaultpath"], ["exec.meta.base"]]),
        "filters": some(texts("platform==linux/arm64")),
    }
)


@st.composite
def programs(draw: DrawFn) -> Program:
    """Return programs of one to some hundreds of operations."""
    # What a definition that is read back holds depends on these.
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
    """Add a statement or end; a value of its own, so that hypothesis can leave it out."""
    if not draw(st.integers(0, often)):
        return False
    evolve(writer, draw=draw).any()
    return True


@frozen
class Writer:
    """A program while it is being drawn, one statement after the other."""

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
        """Return what was drawn."""
        located = any(each.get("step", {}).get("locations") for each in self.states)
        files = {"files": FILES} if located else {}
        return {**self.options, **files, "states": self.states}

    # --- statements -----------------------------------------------------------

    def source(self) -> None:
        """Add a source, one of many or the empty tree."""
        kind = self.draw(st.sampled_from(["image", "image", "local", "scratch", *SOURCES, "ssh"]))
        if kind == "scratch":
            self.add({"op": "scratch"})
        elif kind == "ssh":
            # Without known hosts, Go would ask the host for them.
            given: dict[str, Any]
            options = optional({"known_hosts": texts("x y z\n"), "ssh": texts("mine")})
            given = {"known_hosts": "a b c"} | self.draw(options)
            self.step("git", url=self.draw(values.ssh_repositories), options=given)
        else:
            key, texts_, known = SOURCES[kind]
            given = {key: self.draw(texts_)}
            if chosen := self.draw(optional(known)):
                given["options"] = chosen
            if "config" in chosen:
                chosen |= self.draw(RESOLVED)
            self.step(kind, **given)

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
            st.fixed_dictionaries({"command": texts("ls").map("echo {}".format)})
            | st.fixed_dictionaries({"args": st.lists(texts("ls", ""), min_size=1, max_size=4)})
        )
        given: dict[str, Any] = {"on": self.pick(), **command}
        if options := self.draw(optional(RUN)):
            given["options"] = options
        given["mounts"] = [self.mount() for _ in range(self.draw(st.integers(0, 5)))]
        self.step("run", **given)

    def mount(self, target: str | None = None) -> dict[str, Any]:
        """Return a mount of any kind."""
        kind = self.draw(st.sampled_from(["bind", "bind", *MOUNTS]))
        mount = {"kind": kind, **self.draw(optional(MOUNTS[kind]))}
        if kind == "secret":
            mount["id"] = self.draw(texts("key"))
        elif kind != "ssh":
            mount["target"] = target or self.draw(values.targets)
        if kind in ("bind", "cache") and self.draw(st.integers(0, 3)):
            mount["source"] = self.pick()
        return mount

    def mounted(self) -> None:
        """Add what a run wrote into one of its mounts, where there is such a run."""
        found = [
            (number, mount["target"])
            for number, state in enumerate(self.states)
            for mount in state.get("mounts", ())
            if mount["kind"] == "bind" and not mount.get("readonly") and not mount.get("discard")
            if sum(each.get("target") == mount["target"] for each in state["mounts"]) == 1
        ]
        if found:
            on, target = self.draw(st.sampled_from(found))
            self.use(on)
            self.add({"op": "mounted", "on": on, "target": target})

    def file(self) -> None:
        """Add file actions in one step."""
        actions = [self.action() for _ in range(self.draw(st.integers(1, 4)))]
        self.step("file", on=self.pick(), actions=actions)

    def action(self) -> dict[str, Any]:
        """Return a file action of any kind."""
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
        """Add a merge, of empty trees and of equal ones too."""
        picked = [self.pick() for _ in range(self.draw(st.integers(0, 5)))]
        self.step("merge", states=self.of_one_platform(picked))

    def diff(self) -> None:
        """Add a difference."""
        picked = [self.pick(), self.pick()]
        if self.of_one_platform(picked) == picked:
            self.step("diff", on=picked[0], other=picked[1])

    def passthrough(self) -> None:
        """Add trees that are only used once all of them were built, and use some."""
        chosen = [self.pick() for _ in range(self.draw(st.integers(1, 3)))]
        # Of empty trees alone there is none.
        states = [0, *chosen] if chosen[0] == 0 else [*chosen, 0]
        needed = [self.pick() for _ in range(self.draw(st.integers(0, 2)))]
        name = self.draw(texts("id"))
        self.step("passthrough", id=name, states=states, requires=needed)
        made = len(self.states) - 1
        for index in self.draw(st.lists(st.integers(0, len(states) - 1), max_size=2)):
            self.add({"op": "output", "on": made, "index": index})
            self.use(made)

    def requires(self) -> None:
        """Add a state that needs others."""
        needed = [self.pick() for _ in range(self.draw(st.integers(0, 3)))]
        on = self.pick()
        if self.is_built(on):
            self.step("requires", id=self.draw(texts("id")), on=on, requires=needed)

    def build(self) -> None:
        """Add what a definition in a tree describes."""
        on = self.pick()
        if self.is_built(on):
            self.step("build", on=on, filename=self.draw(texts("file", "")))

    def nested(self) -> None:
        """Add a state that is read back from its definition."""
        self.add({"op": "definition", "on": self.pick()})

    def resettle(self) -> None:
        """Add the tree of one state with the settings of another."""
        self.add({"op": "with_output", "on": self.pick(), "other": self.pick()})

    # --- patterns ---------------------------------------------------------------

    def again(self) -> None:
        """Add an equal operation with other metadata, and use both."""
        number = self.pick()
        if "step" not in self.states[number]:
            return
        kept = {"worker_filters": self.states[number]["step"].get("worker_filters", [])}
        self.add({**self.states[number], "step": self.metadata() | kept})
        copied = len(self.states) - 1
        self.step("file", on=number, actions=[{"kind": "copy", "source": copied, "dest": "/again"}])

    def chain(self) -> None:
        """Add many steps after each other."""
        for count in range(self.draw(st.integers(1, 100))):
            self.add({"op": "run", "on": self.pick(-1), "args": ["echo", str(count)]})

    def ladder(self) -> None:
        """Add diamonds upon each other."""
        base = self.pick()
        for _ in range(self.draw(st.integers(1, 12))):
            last = self.pick(-1)
            actions = [{"kind": "copy", "source": last, "dest": f"/{side}"} for side in "lr"]
            self.add({"op": "file", "on": base, "actions": actions})

    def gather(self) -> None:
        """Add a statement that uses all states that no other one used, so that none is lost."""
        left = [each for each in range(len(self.states)) if each not in self.used] or [0]
        match self.draw(st.sampled_from(["merge", "copy", "mount"])):
            case "merge":
                self.step("merge", states=self.of_one_platform(left))
            case "copy":
                actions = [{"kind": "copy", "source": each, "dest": "/x"} for each in left]
                self.step("file", on=self.pick(), actions=actions)
            case _:
                mounts = [
                    {"kind": "bind", "source": each, "target": f"/{each * 7 % 10}/{each}"}
                    for each in left
                ]
                self.step("run", on=self.pick(), args=["ls"], mounts=mounts)

    # --- what they share --------------------------------------------------------

    def optional(self, options: dict[str, SearchStrategy[Any]]) -> dict[str, Any]:
        """Return a few of the options."""
        return self.draw(optional(options))

    def pick(self, number: int | None = None) -> int:
        """Return the number of a state to build upon, often the last or one of the first."""
        last = len(self.states) - 1
        if number is None:
            number = self.draw(st.just(last) | st.integers(0, last) | st.integers(0, min(last, 2)))
        number %= len(self.states)
        self.use(number)
        return number

    def of_one_platform(self, picked: list[int]) -> list[int]:
        """Return the states that can be merged: trees for two platforms cannot."""
        platforms = [
            self.interpreter.values[each].settings.platform if self.is_built(each) else None
            for each in picked
        ]
        first = next((each for each in platforms if each is not None), None)
        return [
            each for each, known in zip(picked, platforms, strict=True) if known in (None, first)
        ]

    def is_built(self, number: int) -> bool:
        """Return whether a state is more than the empty tree."""
        return self.interpreter.values[number].output is not None

    def use(self, number: int) -> None:
        """Note that another statement uses this one."""
        self.used.add(number)

    def metadata(self) -> dict[str, Any]:
        """Return a few options of a step."""
        step = self.optional(STEP)
        if self.draw(st.integers(0, 3)) == 3:
            step["locations"] = self.draw(LOCATIONS)
        return step

    def step(self, kind: str, **fields: Any) -> None:
        """Add a statement that makes an operation."""
        self.add({"op": kind, **fields, "step": self.metadata()})

    def add(self, statement: Statement) -> None:
        """Add a statement."""
        spell = self.draw(st.just(0) | st.integers(0, 1023))
        self.states.append({**statement, "spell": spell} if spell else statement)
        try:
            self.interpreter.values.append(self.interpreter.make(statement))
        except Exception:  # noqa: BLE001
            # What is refused here is refused, and seen, when the program is run.
            self.interpreter.values.append(Scratch())
