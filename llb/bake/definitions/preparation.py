"""What building does to targets before they are printed or built: clean paths, and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb._lazy import lazy_imports
from llb.bake.definitions.plan import Selection
from llb.errors import BakeFileError, InvalidValueError
from llb.gocompat.path import clean
from llb.platforms import to_platform

with lazy_imports(__name__):
    from llb.dockerfile.sources import git_refs  # 5 ms

if TYPE_CHECKING:
    from llb.bake.definitions.target import Target

WORKING_DIRECTORY = "cwd://"
_EPOCH = "SOURCE_DATE_EPOCH"


def prepared(selection: Selection, epoch: str = "") -> Selection:
    """Clean the contexts of targets, and check them. Raises BakeFileError.

    ``epoch`` is the value of SOURCE_DATE_EPOCH, which targets get as an argument.
    """
    targets = {name: _prepared(target, epoch) for name, target in selection.targets.items()}
    return Selection(targets, selection.groups)


def _prepared(target: Target, epoch: str) -> Target:
    context = "." if target.context is None else target.context
    for name, path in (("context", context), ("dockerfile", target.dockerfile)):
        if path == "-":
            raise BakeFileError(f"{name} from stdin not allowed in bake")
    for platform in target.platforms or ():
        _check_platforms(platform, target.name)
    args = target.args or {}
    if epoch and _EPOCH not in args:
        args = {**args, _EPOCH: epoch}
    return evolve(target, context=cleaned(context), args=args or target.args)


def cleaned(path: str) -> str:
    """Clean the path of a context; a URL stays as it is.

    >>> cleaned("cwd://./app/")
    'app'
    """
    if path.startswith(WORKING_DIRECTORY):
        return clean(path.removeprefix(WORKING_DIRECTORY))
    return path if is_remote(path) else clean(path)


def is_remote(path: str) -> bool:
    """Check whether a context is a URL, or a repository as git names it."""
    if path.startswith(("http://", "https://")):
        return True
    try:
        return git_refs.parse_git_ref(path) is not None
    except ValueError:
        return True


def _check_platforms(text: str, name: str) -> None:
    for platform in text.split(","):
        if platform.lower() != "local":
            try:
                to_platform(platform)
            except InvalidValueError as error:
                raise BakeFileError(f"{error.message} of target {name}") from None
