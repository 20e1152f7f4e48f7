"""Functions on paths, and names that are made of other texts."""

from __future__ import annotations

from pathlib import Path

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import STRING
from llb.bake.values.value import Value, string
from llb.gocompat.path import clean

_PATH = Parameter("path", STRING)


@define("basename", _PATH)
def _basename(path: Value) -> Value:
    """The last part of a path."""
    if not path.text:
        return string(".")
    trimmed = path.text.rstrip("/")
    return string(trimmed.rpartition("/")[2] or "/")


@define("dirname", _PATH)
def _dirname(path: Value) -> Value:
    """The path without its last part."""
    head, slash, _ = path.text.rpartition("/")
    return string(clean(head + slash))


@define("homedir")
def _homedir() -> Value:
    """The home directory of the user."""
    try:
        return string(str(Path.home()))
    except RuntimeError:
        raise Unsuitable("the user has no home directory") from None


@define("sanitize", Parameter("name", STRING))
def _sanitize(name: Value) -> Value:
    """The text with _ for all characters that the name of a target cannot have."""
    return string(
        "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name.text)
    )
