"""Deterministic builds, and builds that differ from call to call or process to process."""

from __future__ import annotations

import itertools
import os

from llb import Image, Local, Scratch, State

_COUNTER = itertools.count()


def steady() -> State:
    """Build the same in every process."""
    return Image("alpine").run("apk add git").copy(Local("context"), "/src")


def counting() -> State:
    """Build something different on every call."""
    return Image("alpine").run(f"echo {next(_COUNTER)}")


def by_hash() -> State:
    """Build steps in the order of a set, which depends on the hash seed."""
    return Image("alpine").run("apk add " + " ".join({"git", "curl", "make", "gcc", "bash"}))


def marked() -> State:
    """Build the same steps with different bytes."""
    return Scratch().copy(Local("context", unique_id=str(next(_COUNTER))), "/")


def by_seed() -> State:
    """Fail if a hash seed is set."""
    if os.environ.get("PYTHONHASHSEED", "random") != "random":
        raise LookupError("no build for you")
    return Scratch()


class Project:
    """A class with a build as a static method."""

    @staticmethod
    def steady() -> State:
        """Build the same in every process."""
        print("not part of it")  # noqa: T201
        return steady()
