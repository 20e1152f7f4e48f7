"""Builds that are the same every time, and builds that are not."""

from __future__ import annotations

import itertools
import os

from llb import Image, Local, Scratch, State

_COUNTER = itertools.count()


def steady() -> State:
    """Return the same build in every process."""
    return Image("alpine").run("apk add git").copy(Local("context"), "/src")


def counting() -> State:
    """Return another build every time."""
    return Image("alpine").run(f"echo {next(_COUNTER)}")


def by_hash() -> State:
    """Return a build that depends on the order of a set."""
    return Image("alpine").run("apk add " + " ".join({"git", "curl", "make", "gcc", "bash"}))


def marked() -> State:
    """Return a build whose steps are the same, and whose bytes are not."""
    return Scratch().copy(Local("context", unique_id=str(next(_COUNTER))), "/")


def by_seed() -> State:
    """Return a build that cannot be made where a seed is set."""
    if os.environ.get("PYTHONHASHSEED", "random") != "random":
        raise LookupError("no build for you")
    return Scratch()


class Project:
    """A holder of builds."""

    @staticmethod
    def steady() -> State:
        """Return the same build in every process."""
        print("not part of it")  # noqa: T201
        return steady()
