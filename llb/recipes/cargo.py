"""Programs in Rust."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from llb.recipes.steps import SOURCE, Kept, of_distribution, run
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
# Where the image of Rust has it.
_HOME = "/usr/local/cargo"
_TARGET = "/var/cache/recipes/cargo-target"


def build(
    state: State,
    source: State,
    *programs: str,
    output: str = "/usr/local/bin",
    release: bool = True,
    flags: Iterable[str] = (),
) -> State:
    """Return the state with programs of ``source``, by their names, in the directory ``output``.

    Runs ``cargo build --locked`` as the state's user, for a ``release`` or not. The
    source is mounted and is no part of the result. ``flags`` are further arguments,
    ``["--features=tls"]``, but for another target or profile.

    Crates and what was compiled are kept for other builds, so that a change compiles
    the crates of ``source``, and neither loads nor compiles those it depends on: there is no
    step for these alone. ``CARGO_HOME`` is that of the state, or ``/usr/local/cargo``; its
    ``registry`` and ``git/db`` are kept. What was compiled is kept apart for each first
    program and distribution, and all of it for each platform and user.
    """
    words(programs, _PROGRAM, "program", example="app, as in [[bin]] of Cargo.toml")
    home = dict(state.variables).get("CARGO_HOME", _HOME)
    folder = shlex.quote(posixpath.join(state.cwd, output))
    chosen = "".join(f" --bin {name}" for name in programs)
    command = f"cargo build --locked{' --release' if release else ''}{chosen}{flag_words(flags)}"
    made = " ".join(f'"$target"/{"release" if release else "debug"}/{name}' for name in programs)
    script = (
        "set -e\n"
        f"target={of_distribution(_TARGET)}\n"
        # cargo goes by times, and a file of another client may be older than what was
        # compiled from this one's; a copy has the time at which it is made.
        'mkdir -p "$target"\n'
        'rm -rf "$target/source"\n'
        'cp -R . "$target/source"\n'
        'cd "$target/source"\n'
        f'{command} --target-dir "$target"\n'
        f"mkdir -p {folder}\n"
        f"cp {made} {folder}"
    )
    return run(
        state,
        script,
        name=command,
        kept=[
            # cargo's lock is beside these directories, where other builds do not see it, and
            # the copy that is made of a program must be of the one that was just compiled.
            Kept("cargo-registry", posixpath.join(home, "registry"), "locked"),
            Kept("cargo-git", posixpath.join(home, "git/db"), "locked"),
            Kept(f"cargo-target {programs[0]}", _TARGET, "locked"),
        ],
        env={"CARGO_HOME": home},
        workdir=SOURCE,
        source=source,
    )
