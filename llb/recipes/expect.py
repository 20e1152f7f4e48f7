"""Checks that run with a build, and fail it if a file or command is not as expected."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Unpack

from llb import Scratch, StepOptions, bind
from llb.arguments.checked import checked
from llb.errors import InvalidValueError
from llb.recipes.steps import absolute, unnamed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb import State

_SCRIPT = "/run/expect"
_FOUND = "/run/found"
_LAST_MODE = 0o7777
_LAST_EXIT_CODE = 255
_SHELL = "/bin/sh"

# Expected values are passed in variables, so none of them is parsed as part of the script, and
# an empty string differs from an absent one. Actual values are cut to keep the log readable.
_CHECK_TEXT = """\
fail() {
  printf 'expected %s, found %.500s\\n' "$1" "$2" >&2
  exit 1
}
check_text() {
  if test "${EXPECT_EQUALS+given}"; then
    test "$2" = "$EXPECT_EQUALS" || fail "$1 to be '$EXPECT_EQUALS'" "'$2'"
  fi
  case $2 in
    *"$EXPECT_CONTAINS"*) ;;
    *) fail "$1 to contain '$EXPECT_CONTAINS'" "'$2'" ;;
  esac
}
"""
_FILE = f"""\
{_CHECK_TEXT}\
test -f {_FOUND} || fail "a file at $1" 'something else'
mode=$(stat -c %a {_FOUND})
test "$mode" = "${{EXPECT_MODE-$mode}}" || fail "$1 of mode $EXPECT_MODE" "mode $mode"
# Without the dot a shell takes newlines off the end of a text.
text=$(cat {_FOUND} && echo .) || exit
check_text "$1" "${{text%.}}"
"""
_COMMAND = f"""\
{_CHECK_TEXT}\
text=$("$@")
code=$?
test -z "$text" || printf '%s\\n' "$text"
test $code = "$EXPECT_CODE" || fail "exit code $EXPECT_CODE" "$code"
check_text stdout "$text"
"""


@checked(options=StepOptions)
def expect_file(
    state: State,
    path: str,
    *,
    equals: str | None = None,
    contains: str | None = None,
    mode: int | None = None,
    using: State | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Fail the build if the file at ``path`` is not as expected.

    It must exist, and optionally equal the string ``equals``, contain the string ``contains``,
    and have the ``mode``, like ``0o644``. Links are followed inside the tree. The check is a
    separate step that needs ``/bin/sh``, ``cat`` and ``stat``: from ``using``, a tree with a
    shell, if the state has none; no other image is pulled. It runs when the state is built, and
    again when the file has changed; the state does not contain its result. Needs BuildKit 0.31.

    ``options`` are those of the check (:class:`llb.StepOptions`).
    """
    if not path.strip("/"):
        raise InvalidValueError(f"invalid path {path!r}: expected the path of a file")
    if mode is not None and not 0 <= mode <= _LAST_MODE:
        raise InvalidValueError(f"invalid mode {mode!r}: expected 0 to 0o7777")
    expected = _expected(equals, contains)
    check = _run(
        state if using is None else using,
        [path],
        script=_FILE,
        env=expected if mode is None else expected | {"EXPECT_MODE": f"{mode:o}"},
        options={"name": f"expect file {path}", **options},
        tested=state,
        path=absolute(state, path),
    )
    return state.requires("expect", check)


@checked(options=StepOptions)
def expect_command(
    state: State,
    command: str | Sequence[str],
    *,
    equals: str | None = None,
    contains: str | None = None,
    exit_code: int = 0,
    **options: Unpack[StepOptions],
) -> State:
    """Fail the build if a command does not end as expected.

    A string is run by ``/bin/sh -c``, a sequence without a shell, with the settings of
    the state. It must exit with ``exit_code``; ``equals`` is its whole standard output
    without trailing newlines, ``contains`` a part of it. A sequence needs no shell if only
    the exit code is expected, so it works in any tree. The command is a separate step
    that runs when the state is built; its changes are dropped. Needs
    BuildKit 0.31.

    ``options`` are those of the check (:class:`llb.StepOptions`).
    """
    if not 0 <= exit_code <= _LAST_EXIT_CODE:
        raise InvalidValueError(f"invalid exit code {exit_code}: expected 0 to 255")
    displayed = command if isinstance(command, str) else shlex.join(command)
    named: StepOptions = {"name": f"expect command {displayed}", **options}
    if not isinstance(command, str) and equals is None and contains is None:
        check = state.run(command, valid_exit_codes=[exit_code], **named)
        return state.requires("expect", check)
    check = _run(
        state,
        [_SHELL, "-c", command] if isinstance(command, str) else command,
        script=_COMMAND,
        env=_expected(None if equals is None else equals.rstrip("\n"), contains)
        | {"EXPECT_CODE": str(exit_code)},
        options=named,
    )
    return state.requires("expect", check)


def _run(
    state: State,
    args: Sequence[str],
    *,
    script: str,
    env: Mapping[str, str],
    options: StepOptions,
    tested: State | None = None,
    path: str = "",
) -> State:
    """Run a script from a mount, so the error of a failure does not contain it."""
    file = Scratch().mkfile("/script", script, **unnamed(options))
    mounts = [bind(file, _SCRIPT, path="/script", readonly=True)]
    if tested is None:
        return state.run([_SHELL, _SCRIPT, *args], env=env, mounts=mounts, **options)
    mounts.append(bind(tested, _FOUND, path=path, readonly=True))
    return state.run(
        [_SHELL, _SCRIPT, *args], env=env, mounts=mounts, user="0", workdir="/", **options
    )


def _expected(equals: str | None, contains: str | None) -> dict[str, str]:
    variables = {"EXPECT_EQUALS": equals, "EXPECT_CONTAINS": contains}
    return {key: value for key, value in variables.items() if value is not None}
