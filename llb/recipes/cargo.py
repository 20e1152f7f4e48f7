"""Build Rust programs with cargo."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import SOURCE, CacheDirectory, absolute, per_distribution, run
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
# CARGO_HOME of the Rust image.
_HOME = "/usr/local/cargo"
_TARGET = "/var/cache/recipes/cargo-target"


@checked(options=StepOptions)
def build(
    state: State,
    source: State,
    *programs: str,
    output: str = "/usr/local/bin",
    release: bool = True,
    flags: Iterable[str] = (),
    **options: Unpack[StepOptions],
) -> State:
    """Build programs of ``source``, by name, into the directory ``output``.

    Runs ``cargo build --locked`` as the state's user, for a ``release`` or not. The
    source is mounted and is not part of the result. ``flags`` are further arguments like
    ``["--features=tls"]``, but not another target or profile.

    Crates and compiled code are cached for other builds, so a change recompiles only
    the crates of ``source``, and neither downloads nor compiles their dependencies: these need
    no separate step. ``CARGO_HOME`` is that of the state, or ``/usr/local/cargo``; its
    ``registry`` and ``git/db`` are cached. There is a separate cache of compiled code for each
    first program and distribution, and separate caches for each platform and user.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    words(programs, _PROGRAM, "program", example="app, as in [[bin]] of Cargo.toml")
    home = dict(state.settings.process.env.items()).get("CARGO_HOME", _HOME)
    folder = shlex.quote(absolute(state, output))
    selected = "".join(f" --bin {name}" for name in programs)
    command = f"cargo build --locked{' --release' if release else ''}{selected}{flag_words(flags)}"
    binaries = " ".join(
        f'"$target"/{"release" if release else "debug"}/{name}' for name in programs
    )
    script = (
        "set -e\n"
        f"target={per_distribution(_TARGET)}\n"
        # cargo compares timestamps, and a changed file of another client may be older than
        # the cached code; a copy has the current time.
        'mkdir -p "$target"\n'
        'rm -rf "$target/source"\n'
        'cp -R . "$target/source"\n'
        'cd "$target/source"\n'
        f'{command} --target-dir "$target"\n'
        f"mkdir -p {folder}\n"
        f"cp {binaries} {folder}"
    )
    return run(
        state,
        script,
        name=command,
        caches=[
            # cargo's lock is next to these directories, where other builds do not see it, and
            # the copied program must be the one that was just compiled.
            CacheDirectory("cargo-registry", posixpath.join(home, "registry"), "locked"),
            CacheDirectory("cargo-git", posixpath.join(home, "git/db"), "locked"),
            CacheDirectory(f"cargo-target {programs[0]}", _TARGET, "locked"),
        ],
        env={"CARGO_HOME": home},
        workdir=SOURCE,
        source=source,
        options=options,
    )
