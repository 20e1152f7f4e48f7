"""Hypothesis strategies for options of every kind of step: valid, but unusual values."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

T_ = TypeVar("T_")

DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
OTHER_DIGEST = "sha256:" + "0123456789abcdef" * 4
COMMIT = "0123456789abcdef0123456789abcdef01234567"

# No surrogates, which protobuf refuses in strings, and no NUL, which system calls refuse.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
ODD = [
    "a", "b", "main", "a b", "<&>\"'\\/", "é", "e\u0301", "日本", "\u2028\u2029", "👩‍👩‍👧", "\u202eabc",
    "line\nline\r\n", "\t\b\f\x1b\x7f", "%s %d %%", "$A ${B:-c} `x`", "=", "a=b", "\ufeff", "İ",
]  # fmt: skip


def strings(*usual: str) -> SearchStrategy[str]:
    """Draw strings that are not empty: usual, odd and random ones."""
    return st.sampled_from([*usual, *ODD]) | st.text(CHARACTERS, min_size=1, max_size=5)


def optional(options: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    """Draw dicts with a few of the options, sometimes all of them."""
    names = st.lists(st.sampled_from(list(options)), unique=True, max_size=4)
    some_names = st.integers(0, 15).flatmap(lambda n: names if n < 15 else st.just(list(options)))
    return some_names.flatmap(
        lambda keys: st.fixed_dictionaries({key: options[key] for key in keys})
    )


def some(values: SearchStrategy[T_], most: int = 3) -> SearchStrategy[list[T_]]:
    """Draw short lists."""
    return st.lists(values, max_size=most)


def _platform(path: str, **features: Any) -> dict[str, Any]:
    names = ("os", "architecture", "variant")
    return dict(zip(names, path.split("/"), strict=False)) | features


flag = st.booleans()
binary = st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode())
armored = strings("-----BEGIN PGP-----\n").map(
    lambda text: base64.b64encode(text.encode()).decode()
)
ids32 = st.sampled_from([0, 1, 1000, 2**31 - 1]) | st.integers(0, 2**31 - 1)
modes = st.sampled_from([0, 0o400, 0o644, 0o755, 0o4755, 0o7777, 0o1000]) | st.integers(0, 0o7777)
int64 = st.sampled_from([0, 1, 2**20, 2**63 - 1]) | st.integers(0, 10**6)
limits = int64 | st.just(-1)
uint64 = st.sampled_from([0, 1, 1024, 2**64 - 1])
paths = st.sampled_from([
    "/a", "a", "./a/", "../x", "/a//b/../c/.", "b/.", ".", "/", "..", "./", "../..", "/..", "/.", "//a", "///",
    "a/..", "a/../..", "/a/./", "a b/é", "*", "/a*/?[b]", "~", ".a", "a.", "...", "/日本/x/", "a\\b", "\n",
]) | strings()  # fmt: skip
targets = st.sampled_from([
    "/a", "/b", "/a/b", "/a-b", "/a.b", "/A", "/a/", "//a", "/z/../y", "/é", "/日", "/👩", "/~", "/ ", "/a\nb", "/usr/lib",
    "/aa", "/a/b/c", "/.a", "/-",
])  # fmt: skip
platforms = st.sampled_from([
    _platform("linux/amd64"), _platform("linux/arm64"), _platform("linux/arm"), _platform("linux/arm/v6"),
    _platform("linux/arm/7"), _platform("linux/arm64/v8"), _platform("linux/arm64/8"), _platform("linux/arm64/v9"),
    _platform("linux/amd64/v1"), _platform("linux/amd64/v3"), _platform("Linux/AMD64"), _platform("linux/x86_64"),
    _platform("linux/x86-64/v2"), _platform("linux/aarch64"), _platform("linux/aarch64/v8"), _platform("linux/armhf"),
    _platform("linux/armel"), _platform("linux/i386"), _platform("linux/386/sse2"), _platform("linux/ppc64le"),
    _platform("linux/mips64el"), _platform("linux/armv7l"), _platform("linux/i386/sse2"), _platform("linux/arm64/9"),
    _platform("linux/amd64", os_features=["b", "a", "b"]),
    _platform("linux/ppc64"), _platform("linux/riscv64"), _platform("linux/s390x"), _platform("linux/mips64le"),
    _platform("darwin/amd64"), _platform("macos/arm64"), _platform("freebsd/amd64"), _platform("wasip1/wasm"),
    _platform("windows/amd64"), _platform("windows/amd64", os_version="10.0.17763"),
    _platform("windows/arm64", os_version="10.0.1", os_features=["win32k"]),
    _platform("linux/amd64", os_features=["a", "b"]), _platform("linux/arm64/V8"), _platform("linux/ARM/V7"),
])  # fmt: skip
references = st.sampled_from([
    "alpine", "alpine:3", "busybox", "library/alpine", "docker.io/alpine", "index.docker.io/alpine", "user/app:1",
    "docker.io/library/alpine:latest", "ghcr.io/o/a", f"ghcr.io/o/a@{DIGEST}", f"user/app:1@{DIGEST}", "localhost/x",
    "localhost:5000/x/y:T.1-2_", "a.b/c_d--e__f.g", "[::1]:5000/x", "registry:80/x", "UPPER.example/x", "a/b/c/d/e",
    f"alpine@{OTHER_DIGEST}",
])  # fmt: skip
blobs = st.sampled_from(
    [f"app@{DIGEST}", f"owner/app@{OTHER_DIGEST}", f"localhost:5000/a/b@{DIGEST}"]
)
digests = st.sampled_from([DIGEST, OTHER_DIGEST])
urls = st.sampled_from([
    "https://example.org/a/b.txt?x=1#f", "http://localhost:1/x", "http://[::1]/", "https://user:pw@example.org/%41 é",
    "https://example.org", "https://example.org/<&>",
])  # fmt: skip
repositories = st.sampled_from([
    "https://example.org/owner/repo.git", "example.org/owner/repo", "https://user:pw@example.org:8443/a//b/../repo.git",
    "git://localhost:9418/repo", "http://example.org/repo/", "https://example.org/~a/b.c-d_e", "https://[::1]:80/x",
    "HTTPS://example.org/x", "https://example.org/a b/é", "Git://example.org/a%20b/c!d(e)", "https://example.org/a%2fb",
])  # fmt: skip
ssh_repositories = st.sampled_from([
    "ssh://git@nowhere.invalid:2222/repo", "git@nowhere.invalid:owner/repo.git", "ssh://nowhere.invalid/a/b",
    "user-1@nowhere.invalid:/abs/repo", "git@nowhere.invalid:a//b",
])  # fmt: skip
refs = st.sampled_from(["main", "v1.0", "refs/tags/v1", COMMIT, "a/b", "é", "<&>"])
addresses = st.sampled_from(
    [
        "10.0.0.1",
        "127.0.0.1",
        "::1",
        "fe80::1",
        "2001:db8::8:800:200c:417a",
        "FE80::A",
        "::ffff:10.0.0.1",
        "::",
    ]
)
owners = st.sampled_from([
    "root", "0", "1000", "app", "app:", "app:staff", "root:root", "1:2", "0:app", "app:0", "007", "2147483647",
    "a b:c", "é", "1000:root", "-x", "-1", "+5", "2147483648", "-2147483649:7", "--1", "1e3", "0x1", "a:b:c",
])  # fmt: skip
# Microseconds since 1970, in the range of 64-bit nanoseconds.
moments = st.sampled_from([0, 1, -1, 1_700_000_000_123_456, -(9 * 10**15), 9 * 10**15, 999_999])
symbolic = st.sampled_from(["u+x,go-w", "a=rX", "+t", "ug=rwx"])
patterns = some(strings("**/*.pyc", "!x", "a<b", "c&d", "*"))
keys = st.sampled_from(["A", "B", "PATH", "SSH_AUTH_SOCK", "é", "a b", "HTTP_PROXY"])
env_values = st.sampled_from(["", "1", "/bin:/usr/bin", "x=y", "$A"]) | strings()
ulimit_names = st.sampled_from([
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
])  # fmt: skip
configs = st.sampled_from([
    "{}",
    '{"config":{"Env":["PATH=/bin","A=1=2","B","=x","C=3"],"WorkingDir":"/w"}}',
    '{"config":{"WorkingDir":"rel","User":"app"},"os":"linux","architecture":"arm64","variant":"v8"}',
    '{"os":"windows","architecture":"amd64","os.version":"10.0.1","os.features":["win32k"]}',
    '{"os":"linux","config":{"Env":null}}',
    '{"os":"linux","architecture":"arm","config":{"Env":[]},"rootfs":{"type":"layers","diff_ids":[]}}',
])  # fmt: skip
