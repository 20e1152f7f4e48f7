"""Generate programs with every option alone, every two of a kind of step, and some threes.

A program is about one option: its states are a step with only that option, with each option after
it, and with each two neighbours of those.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.llb.programs import Program, Statement

# The changes that an option makes to a statement; lists are concatenated.
Patch: TypeAlias = dict[str, Any]

DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ARM = {"os": "linux", "architecture": "arm", "variant": "v7"}
ARM64 = {"os": "linux", "architecture": "arm64"}
CONFIG = (
    '{"config":{"Env":["A=base","Z"],"WorkingDir":"/base"},"os":"linux","architecture":"s390x"}'
)
FILE = {"name": "Dockerfile", "language": "Dockerfile", "data": "RlJPTSBhbHBpbmUK"}
RESOURCES = {
    "memory": 1 << 30,
    "memory_swap": -1,
    "cpu_shares": 2,
    "cpu_period": 100_000,
    "cpu_quota": 50_000,
    "cpuset_cpus": "0-1",
    "cpuset_mems": "0",
}
STEP: dict[str, Any] = {
    "name": "a step",
    "description": {"k": "v"},
    "ignore_cache": True,
    "export_cache": True,
    "progress_group": {"id": "id", "name": "group", "weak": True},
    "resources": RESOURCES,
    "worker_filters": ["platform==linux/arm64"],
    "locations": [{"file": 0, "ranges": [[1, 2, 3, 4], [5, 5, 0, 0]]}],
}


@frozen
class Kind:
    """A kind of step: its options, and a function that builds a statement from some of them."""

    make: Callable[[Patch], Statement]
    options: dict[str, Patch]


def programs() -> dict[str, Program]:
    """Collect the programs by kind of step and option."""
    return {
        f"{name} {option}": _program(kind, list(kind.options), number)
        for name, kind in KINDS.items()
        for number, option in enumerate(kind.options)
    } | {f"marshal {name}": program for name, program in _marshal_programs().items()}


def _program(kind: Kind, names: list[str], number: int) -> Program:
    # The first three states are inputs of the others.
    states: list[Statement] = [
        {"op": "image", "ref": "alpine"},
        {"op": "local", "name": "context", "options": {"session_id": "s"}},
        {"op": "workdir", "on": 0, "path": "/work"},
    ]
    indices = []
    for count, combination in enumerate(combined(names, number)):
        patch: Patch = {}
        for name in combination:
            patch = _patched(patch, kind.options[name])
        for setting in patch.pop("before", ()):
            states.append({"on": len(states) - 1 if states[-1].get("chained") else 2, **setting})
            states[-1]["chained"] = True
        statement = kind.make(patch)
        if "on" in statement and states[-1].get("chained"):
            statement["on"] = len(states) - 1
        indices.append(len(states))
        # Rotate through the equivalent spellings in Go.
        states.append({**statement, "spell": (number * 37 + count * 101) % 1024})
    states = [{k: v for k, v in state.items() if k != "chained"} for state in states]
    copies = [{"kind": "copy", "source": index, "dest": f"/{index}"} for index in indices]
    states.append({"op": "file", "on": 0, "actions": copies})
    return {"unique": "unique", "files": [FILE], "states": states}


def combined(names: list[str], number: int) -> Iterator[tuple[str, ...]]:
    """Yield combinations of options: one, with each of those after it, and with two of them."""
    first, later = names[number], names[number + 1 :]
    if len(later) < 2:
        later = [*later, *(name for name in names[:2] if name not in (first, *later))]
    yield (first,)
    for second in later:
        yield (first, second)
    for second, third in pairwise(later):
        yield (first, second, third)


def _patched(base: Patch, patch: Patch) -> Patch:
    patched = dict(base)
    for key, value in patch.items():
        current = patched.get(key)
        if isinstance(value, dict) and isinstance(current, dict):
            patched[key] = _patched(current, value)
        elif isinstance(value, list) and isinstance(current, list):
            patched[key] = current + value
        else:
            patched[key] = value
    return patched


def _at(key: str, options: dict[str, Any]) -> dict[str, Patch]:
    """Build patches that put each option under ``key``."""
    return {name: {key: {name: value}} for name, value in options.items()}


def _before(**statements: dict[str, Any]) -> dict[str, Patch]:
    """Build patches that insert a change of settings before the step."""
    return {
        name: {"before": [{"op": name.rstrip("_"), **fields}]}
        for name, fields in statements.items()
    }


def _source(options: dict[str, Any], **fields: Any) -> Kind:
    return Kind(lambda patch: {**fields, **patch}, _at("options", options) | _at("step", STEP))


def _action(options: dict[str, Any], **fields: Any) -> Kind:
    def make(patch: Patch) -> Statement:
        actions = [
            {"kind": "mkdir", "path": "x", "owner": "app"},
            {**fields, **patch.get("action", {})},
        ]
        return {"op": "file", "on": 2, "actions": actions, "step": patch.get("step", {})}

    return Kind(make, _at("action", options) | _at("step", STEP))


def _mount(options: dict[str, Any], **fields: Any) -> Kind:
    def make(patch: Patch) -> Statement:
        mounts = [{**fields, **patch.get("mount", {})}, {"kind": "ssh"}]
        step = patch.get("step", {})
        return {"op": "run", "on": 2, "args": ["ls"], "mounts": mounts, "step": step}

    some = {key: STEP[key] for key in ("name", "ignore_cache")}
    return Kind(make, _at("mount", options) | _at("step", some))


def _whole(**fields: Any) -> Kind:
    return Kind(lambda patch: {**fields, **patch}, _at("step", STEP))


_OWNED = {"owner": "app:0", "created": 1_700_000_000_123_456}
_MODES = {**_OWNED, "mode": 0o1750}
_BLOB = {"filename": "f", "mode": 0o4640, "uid": 5, "gid": 6}
_AGENT = {"target": "/t", "uid": 1, "gid": 2, "mode": 0o440, "optional": True}
_TREE = {"source": 1, "path": "sub", "readonly": True}
_GIT = {
    "ref": "v1",
    "subdir": "a/b",
    "checksum": COMMIT,
    "keep_git_dir": True,
    "skip_submodules": True,
    "mtime": "commit",
    "advice": True,
    "fetch_by_commit": True,
    "auth_token_secret": "t",
    "auth_header_secret": "h",
    "bundle": f"oci-layout+blob://b@{DIGEST}",
    "checkout_bundle": True,
}
_RESOLVED = {"options": {"config": CONFIG, "digest": DIGEST}}
_STORED = {"bundle": _GIT["bundle"], "bundle_session_id": "s", "bundle_store_id": "x"}
_RUN: dict[str, Any] = {
    "env": [["B", "2"], ["A", ""]],
    "workdir": "../sub",
    "user": "1000",
    "network": "none",
    "security": "insecure",
    "readonly_root": True,
    "valid_exit_codes": [0, 3],
    "devices": [{"name": "vendor/class=a"}, {"name": "b", "optional": True}],
    "proxy": {"http_proxy": "h", "https_proxy": "s", "ftp_proxy": "f", "no_proxy": "n"},
}
_MOUNTS: dict[str, Patch] = {
    "bind": {"mounts": [{"kind": "bind", "target": "/src", "source": 1}]},
    "bind_root": {"mounts": [{"kind": "bind", "target": "/again", "source": 0}]},
    "cache": {"mounts": [{"kind": "cache", "target": "/c", "sharing": "locked"}]},
    "tmpfs": {"mounts": [{"kind": "tmpfs", "target": "/a", "size": 1 << 20}]},
    "secret": {"mounts": [{"kind": "secret", "id": "key"}]},
    "secret_env": {"mounts": [{"kind": "secret", "id": "key", "env": "KEY"}]},
    "ssh": {"mounts": [{"kind": "ssh"}]},
    "ssh_target": {"mounts": [{"kind": "ssh", "id": "x", "target": "/agent"}]},
}
_SETTINGS = _before(
    env={"key": "A", "value": "1"},
    env_={"key": "PATH", "value": "/bin"},
    unset_env={"key": "A"},
    workdir={"path": "below"},
    user={"value": "app:app"},
    hostname={"value": "builder"},
    platform={"platform": ARM},
    network={"value": "host"},
    security={"value": "insecure"},
    extra_host={"host": "a.example", "ip": "::1"},
    ulimit={"name": "nofile", "soft": 1, "hard": 2},
    ulimit_={"name": "core", "soft": -1, "hard": -1},
    cgroup_parent={"value": "/parent"},
    image_config={"config": CONFIG},
    with_output={"other": 1},
)
KINDS: dict[str, Kind] = {
    "image": _source(
        {
            "platform": ARM,
            "resolve_mode": "pull",
            "record_type": "internal",
            "layer_limit": 2,
            "checksum": DIGEST,
        },
        op="image",
        ref="alpine",
    ),
    "image resolved": Kind(
        lambda patch: {"op": "image", "ref": "alpine", **_patched(_RESOLVED, patch)},
        _at("options", {"resolve_digest": True, "platform": ARM, "resolve_mode": "local"})
        | _at("step", STEP),
    ),
    "local": _source(
        {
            "include": ["a<b", "é\u2028"],
            "exclude": ["**/*.pyc", "!x"],
            "follow_paths": ["src"],
            "shared_key": "key",
            "session_id": "session",
            "unique_id": "mine",
            "differ": "none",
            "differ_required": True,
            "metadata_only": ["*.md", "x"],
        },
        op="local",
        name="context",
    ),
    "git": _source(_GIT, op="git", url="https://example.org/owner/repo.git"),
    "git bundle": _source(_STORED, op="git", url="example.org/repo"),
    "git ssh": Kind(
        lambda patch: {
            "op": "git",
            "url": "git@nowhere.invalid:owner/repo.git",
            **_patched({"options": {"known_hosts": "x y z"}}, patch),
        },
        _at("options", {"known_hosts": "a b c\n", "ssh": "mine", "ref": "main", "subdir": "x"}),
    ),
    "http": _source(
        {
            **_BLOB,
            "checksum": DIGEST,
            "auth_header_secret": "token",
            "accept": "text/plain",
            "user_agent": "me",
            "pgp_public_key": "a2V5",
            "pgp_signature": "c2ln",
        },
        op="http",
        url="https://example.org/a?b=c",
    ),
    "oci layout": _source(
        {"session_id": "s", "store_id": "x", "layer_limit": 3, "platform": ARM64},
        op="oci_layout",
        ref=f"name@{DIGEST}",
    ),
    "image blob": _source(_BLOB, op="image_blob", ref=f"owner/app@{DIGEST}"),
    "oci layout blob": _source(
        {**_BLOB, "session_id": "s", "store_id": "x"}, op="oci_layout_blob", ref=f"app@{DIGEST}"
    ),
    "run": Kind(
        lambda patch: {"op": "run", "on": 2, "command": "make", **patch},
        {**_SETTINGS, **_at("options", _RUN), **_MOUNTS, **_at("step", STEP)},
    ),
    "bind": _mount(
        {**_TREE, "discard": True, "content_cache": "off"}, kind="bind", target="/m"
    ),
    "cache": _mount({**_TREE, "id": "mine", "sharing": "private"}, kind="cache", target="/m/"),
    "tmpfs": _mount({"size": 1}, kind="tmpfs", target="/m"),
    "secret": _mount({**_AGENT, "env": "KEY"}, kind="secret", id="key"),
    "ssh": _mount({**_AGENT, "id": "mine"}, kind="ssh"),
    "copy": _action(
        {
            **_MODES,
            "src": "../a*",
            "include": ["*.py"],
            "exclude": ["x", "y"],
            "required": ["z"],
            "follow_symlinks": True,
            "contents_only": False,
            "unpack": True,
            "create_dest_path": False,
            "wildcard": False,
            "allow_empty_wildcard": True,
            "replace": True,
        },
        kind="copy",
        source=1,
        dest="d/",
    ),
    "copy symbolic": _action({**_OWNED, "mode": "u+x"}, kind="copy", source=0, dest="/."),
    "mkdir": _action({**_MODES, "parents": True}, kind="mkdir", path="d"),
    "mkfile": _action(_MODES, kind="mkfile", path="f", data="aGVsbG8K"),
    "rm": _action({"allow_not_found": True, "wildcard": True}, kind="rm", path="./x/"),
    "symlink": _action(_OWNED, kind="symlink", path="../old", dest="new"),
    "merge": _whole(op="merge", states=[0, 1, 0]),
    "diff": _whole(op="diff", on=0, other=1),
    "passthrough": _whole(op="passthrough", id="both", states=[1, 0], requires=[2]),
    "requires": _whole(op="requires", on=0, id="first", requires=[1]),
    "build": Kind(
        lambda patch: {"op": "build", "on": 2, **patch},
        {"filename": {"filename": "graph.pb"}} | _at("step", STEP),
    ),
}  # fmt: skip


def _marshal_programs() -> dict[str, Program]:
    """Build programs that marshal a small graph with each two options."""
    states: list[Statement] = [
        {"op": "local", "name": "context"},
        {"op": "image", "ref": "alpine", "step": {"worker_filters": ["b"]}},
        {"op": "run", "on": 1, "args": ["ls"], "mounts": [{"kind": "ssh"}]},
        {"op": "env", "on": 2, "key": "PATH", "value": "/bin"},
        {"op": "run", "on": 3, "args": ["ls"]},
        {"op": "build", "on": 4, "step": {"ignore_cache": True}},
        {"op": "definition", "on": 5},
        {"op": "merge", "states": [6, 0]},
    ]
    options: dict[str, dict[str, Any]] = {
        "platform": {"platform": ARM64},
        "windows": {"platform": {"os": "windows", "architecture": "amd64", "os_version": "10.0"}},
        "unique": {"unique": "mine"},
        "filters": {"filters": ["a", "c"]},
        "caps": {"caps": ["exec.meta.setsdefaultpath"]},
        "no caps": {"caps": []},
    }
    return {
        f"{first} and {second}": {**options[first], **options[second], "states": states}
        for first in options
        for second in options
    }
