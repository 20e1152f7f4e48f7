"""Build the graphs of recorder/cases.go with this library, under the same names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb import (
    HTTP,
    Device,
    Git,
    Image,
    ImageBlob,
    LinuxResources,
    Local,
    Network,
    OCILayout,
    OCILayoutBlob,
    Platform,
    ProgressGroup,
    ProxyEnv,
    Scratch,
    Security,
    bind,
    cache,
    copy,
    diff,
    merge,
    mkdir,
    mkfile,
    rm,
    secret,
    ssh,
    tmpfs,
)

if TYPE_CHECKING:
    from llb import State

DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CREATED = datetime.fromtimestamp(1700000000, UTC).replace(microsecond=123456)
ARM = "linux/arm/v7"
WINDOWS = Platform("windows", "amd64", os_version="10.0.17763", os_features=("win32k",))


def cases() -> dict[str, State]:
    """Collect the graphs by name."""
    return sources() | runs() | mounts() | files() | graphs()


def sources() -> dict[str, State]:
    return {
        "git": Git("https://example.org/owner/repo.git"),
        "git host": Git("example.org/owner/repo"),
        "git user": Git("https://user:pw@example.org:8443/a//b/../repo.git", ref="main"),
        "git protocol": Git("git://localhost:9418/repo", ref="v1", subdir="sub/dir"),
        "git subdir": Git("https://example.org/repo", subdir="sub"),
        "git ssh": Git(
            "ssh://git@nowhere.invalid:2222/repo",
            known_hosts="nowhere.invalid ssh-ed25519 AAAA\n",
            ssh="mine",
        ),
        "git scp": Git("git@nowhere.invalid:owner/repo.git", known_hosts="x y z"),
        "git auth": Git("https://example.org/repo", auth_token_secret="t", auth_header_secret="h"),
        "git everything": Git(
            "https://example.org/repo",
            ref="refs/tags/v1",
            checksum=COMMIT,
            keep_git_dir=True,
            skip_submodules=True,
            mtime="commit",
            advice=True,
            fetch_by_commit=True,
        ),
        "git bundle": Git(
            "https://example.org/repo",
            checksum=COMMIT,
            bundle=f"oci-layout+blob://b@{DIGEST}",
            bundle_session_id="session",
            bundle_store_id="store",
            checkout_bundle=True,
        ),
        "http": HTTP("https://example.org/a/b.txt?x=1"),
        "http everything": HTTP(
            "http://localhost:1/x",
            checksum=DIGEST,
            filename="y",
            mode=0o4755,
            uid=5,
            gid=6,
            auth_header_secret="token",
            accept="text/plain",
            user_agent="me",
            pgp_public_key=b"key",
            pgp_signature=b"sig",
            name="get",
        ),
        "http group": HTTP("http://localhost/x", gid=6, user_agent="me"),
        "http copied": Scratch().copy(HTTP("https://example.org/a"), "/b", src="a"),
        "oci layout": OCILayout(f"name@{DIGEST}"),
        "oci layout store": OCILayout(
            f"name/x:1@{DIGEST}",
            session_id="session",
            store_id="store",
            layer_limit=2,
            platform=ARM,
        ),
        "image blob": ImageBlob(f"owner/app@{DIGEST}", filename="f", mode=0o600, uid=1),
        "oci layout blob": OCILayoutBlob(
            f"app@{DIGEST}", session_id="session", store_id="store", filename="f"
        ),
        "scratch": Scratch(),
        "image": Image("alpine"),
        "image tag": Image("alpine:3.20"),
        "image digest": Image(f"ghcr.io/owner/app@{DIGEST}"),
        "image tag and digest": Image(f"owner/app:1@{DIGEST}"),
        "image platform": Image("alpine", platform=ARM),
        "image windows": Image("alpine", platform=WINDOWS),
        "image pull": Image("alpine", resolve_mode="pull"),
        "image local": Image("alpine", resolve_mode="local"),
        "image layer limit": Image("alpine", layer_limit=2),
        "image checksum": Image("alpine", checksum=DIGEST),
        "image record type": Image("alpine", record_type="internal"),
        "image everything": Image(
            "alpine", resolve_mode="pull", layer_limit=1, checksum=DIGEST, name="base"
        ),
        "local": Local("context"),
        "local session": Local("context", session_id="session"),
        "local unique": Local("context", unique_id="mine"),
        "local patterns": Local(
            "context",
            include=["a<b", "c&d", "é\u2028"],
            exclude=["**/*.pyc", "!x"],
            follow_paths=["src"],
        ),
        "local key": Local("context", shared_key="key", session_id="s"),
        "local differ": Local("context", differ="none"),
    }


def runs() -> dict[str, State]:
    base = Image("alpine")
    hosts = base.extra_host("a", "10.0.0.1").extra_host("b", "::1")
    limits = LinuxResources(memory=1 << 30, cpu_quota=50000, cpuset_cpus="0-1")
    return {
        "run shell": base.run("apk add git"),
        "run argv": base.run(["make", "-j", "2"]),
        "run on scratch": Scratch().run(["/hello"]),
        "run env": base.env("A", "1").env("B", "2").env("A", "3").run("env"),
        "run own env": base.env("A", "1").run("env", env={"C": "x=y", "A": ""}).run("env"),
        "run workdir": base.workdir("/src").workdir("../x/./y").run("pwd", workdir="sub"),
        "run odd workdir": base.workdir("/src//a/../").run("pwd"),
        "run user": base.user("app:app").run("id", user="1000").run("id"),
        "run hostname": base.hostname("builder").run("hostname"),
        "run network host": base.network(Network.HOST).run("ip a"),
        "run network none": base.run("ip a", network=Network.NONE),
        "run insecure": base.run("mount", security=Security.INSECURE),
        "run hosts": hosts.run("cat /etc/hosts"),
        "run ulimits": base.ulimit("nofile", 1024, 2048).ulimit("core", 0, 0).run("ulimit -a"),
        "run cgroup": base.cgroup_parent("/parent").run("true"),
        "run exit codes": base.run("exit 3", valid_exit_codes=[0, 3]),
        "run readonly root": base.run(
            "true", readonly_root=True, mounts=[bind(Scratch(), "/out")]
        ).mounted("/out"),
        "run proxy": base.run("env", proxy=ProxyEnv(http_proxy="http://p", no_proxy="localhost")),
        "run devices": base.run(
            "ls /dev", devices=[Device("vendor/class=a"), Device("b", optional=True)]
        ),
        "run platform": base.platform(ARM).run("uname -m"),
        "run image platform": Image("alpine", platform=ARM).run("uname -m"),
        "run described": base.run(
            "true",
            name="a step",
            description={"k": "v"},
            ignore_cache=True,
            export_cache=True,
            progress_group=ProgressGroup("id", "group", weak=True),
        ),
        "run resources": base.run("true", resources=limits),
        "run no export cache": base.run("true", export_cache=False),
    }


def mounts() -> dict[str, State]:
    base, src = Image("alpine"), Local("context")
    run = base.run(
        "make",
        mounts=[
            bind(Scratch(), "/z"),
            bind(src, "/a"),
            bind(src, "/b", readonly=True, path="sub"),
        ],
    )
    return {
        "bind": base.run("ls", mounts=[bind(src, "/src")]),
        "bind readonly": base.run("ls", mounts=[bind(src, "/src", readonly=True)]),
        "bind path": base.run("ls", mounts=[bind(src, "/src", path="/sub")]),
        "bind discard": base.run("ls", mounts=[bind(src, "/src", discard=True)]),
        "bind content cache": base.run("ls", mounts=[bind(src, "/src", content_cache="on")]),
        "bind itself": base.run("ls", mounts=[bind(base, "/again")]),
        "several binds root": run,
        "several binds first": run.mounted("/a"),
        "several binds last": run.mounted("/z"),
        "mount used later": base.run("cat", mounts=[bind(run.mounted("/z"), "/in", readonly=True)]),
        "cache": base.run("ls", mounts=[cache("/root/.cache")]),
        "cache locked": base.run("ls", mounts=[cache("/c", id="mine", sharing="locked")]),
        "cache private from": base.run(
            "ls", mounts=[cache("/c", id="mine", sharing="private", source=src, path="/seed")]
        ),
        "tmpfs": base.run("ls", mounts=[tmpfs("/t")]),
        "tmpfs size": base.run("ls", mounts=[tmpfs("/t", size=1 << 20)]),
        "secret": base.run("ls", mounts=[secret("key")]),
        "secret options": base.run(
            "ls", mounts=[secret("key", target="/k", uid=1, gid=2, mode=0o440, optional=True)]
        ),
        "secret env": base.run("ls", mounts=[secret("key", env="KEY")]),
        "secret both": base.run("ls", mounts=[secret("key", target="/k", env="KEY")]),
        "ssh": base.run("ssh-add -l", mounts=[ssh()]),
        "ssh options": base.run(
            "ssh-add -l",
            mounts=[
                ssh("one", target="/agent", uid=1, gid=2, mode=0o660, optional=True),
                ssh("two"),
            ],
        ),
        "ssh env": base.env("SSH_AUTH_SOCK", "/mine").run("ssh-add -l", mounts=[ssh()]),
        "all the mounts": base.env("A", "1").run(
            "ls", mounts=[bind(src, "/src"), cache("/c"), tmpfs("/t"), secret("s"), ssh()]
        ),
    }


def files() -> dict[str, State]:
    base, src = Image("alpine"), Local("context")
    app = base.workdir("/app")
    return {
        "copy": base.copy(src, "/src"),
        "copy slash": app.copy(src, "sub/", src="a.txt"),
        "copy dot": app.copy(src.workdir("/in"), "b/.", src="x/../a.txt"),
        "copy to root": base.copy(src, "/.", src="a"),
        "copy to here": app.copy(src, "./", src="a"),
        "copy to scratch": Scratch().copy(src, "/"),
        "copy scratch": base.copy(Scratch(), "/x"),
        "copy itself": base.copy(base, "/etc2", src="/etc"),
        "copy options": base.copy(
            src,
            "/src",
            src="/a*",
            mode=0o640,
            follow_symlinks=True,
            contents_only=False,
            create_dest_path=False,
            include=["*.py"],
            exclude=["x"],
            required=["y"],
            unpack=True,
            allow_empty_wildcard=True,
            replace=True,
            created=CREATED,
        ),
        "copy mode zero": base.copy(src, "/src", mode=0),
        "copy symbolic mode": base.copy(src, "/src", mode="u+x,go-w"),
        "copy owner ids": base.copy(src, "/src", owner="0:1000"),
        "copy owner names": base.copy(src, "/src", owner="app:staff"),
        "copy owner root": base.copy(src, "/src", owner="root:root"),
        "copy owner user": base.copy(src, "/src", owner="app"),
        "copy owner no group": base.copy(src, "/src", owner="app:"),
        "mkdir": base.mkdir("/a"),
        "mkdir options": base.workdir("/x").mkdir(
            "a/b", mode=0o1700, parents=True, owner="1:2", created=CREATED
        ),
        "mkdir named on scratch": Scratch().mkdir("/a", owner="app"),
        "mkfile": base.mkfile("/a", "hello\n"),
        "mkfile empty": base.mkfile("a", b"", mode=0o600, created=datetime.fromtimestamp(0, UTC)),
        "rm": base.rm("/a"),
        "rm options": base.workdir("/x").rm("a*", allow_not_found=True, wildcard=True),
        "symlink": base.workdir("/x").symlink("../a", "b", owner="app", created=CREATED),
        "chained": base.file(
            mkdir("/a"),
            mkfile("/a/b", b"x"),
            copy(src, "/a/c", src="/c"),
            copy(base, "/a/etc", src="/etc"),
            rm("/a/b"),
        ),
        "one after another": base.mkdir("/a").mkfile("/a/b", b"x").rm("/a"),
        "described": base.mkdir("/a", name="make a", ignore_cache=True),
    }


def graphs() -> dict[str, State]:
    base = Image("alpine")
    built = base.run("make")
    diamond = base
    for _ in range(12):
        diamond = base.file(copy(diamond, "/l", src="/l"), copy(diamond, "/r", src="/r"))
    chain = base
    for number in range(300):
        chain = chain.run(f"echo {number}")
    again = Image("alpine").run("make", name="again")
    busybox = Image("busybox").workdir("/x")
    return {
        "merge": merge([base.workdir("/w"), Scratch(), built, busybox]).run("pwd"),
        "merge described": merge([base, busybox], name="both", ignore_cache=True),
        "merge twice": merge([base, base]),
        "merge one": merge([Scratch(), busybox]).run("pwd"),
        "merge none": merge([Scratch()]),
        "diff": diff(base, built),
        "diff of scratch": diff(Scratch(), built),
        "diff to scratch": diff(base.workdir("/w"), Scratch()).run("pwd"),
        "diff of nothing": diff(Scratch(), Scratch()),
        "diff onto other": merge([busybox, diff(base, built, name="changes")]).run("ls"),
        "two stages": Scratch().copy(built, "/app", src="/bin/app"),
        "equal twice": base.file(copy(again, "/a"), copy(built, "/b")),
        "diamond": diamond,
        "chain": chain,
        "sources in order": base.file(
            copy(Image("a"), "/a"), copy(Image("b"), "/b"), copy(Image("c"), "/c")
        ),
    }
