"""The file of a build whose targets are functions, or which functions read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from llb.buildfile.target import find_target
from llb.frontend.authoring.target_builder import TargetRunner

if TYPE_CHECKING:
    from llb import SourceFile
    from llb.buildfile import Target
    from llb.buildfile.current import Calls
    from llb.buildfile.running import Part, Stopwatch
    from llb.frontend.dockerui.open import BuildRequest


class Subject(ABC):
    """A file with targets, which a build and its subrequests read."""

    __slots__ = ()

    request: BuildRequest

    @property
    @abstractmethod
    def source(self) -> SourceFile:
        """The file."""

    @property
    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """The targets in their order. Raises LLBError."""

    @abstractmethod
    def call(self, target: Target, calls: Calls[Target], watch: Stopwatch) -> tuple[Part, ...]:
        """Call a target. Raises the target's own exceptions, and LLBError."""

    @property
    def default(self) -> Target:
        """The target of a build that names none. Raises InvalidValueError."""
        return find_target(self.targets, None)

    @property
    def target(self) -> Target:
        """The target that the build names, or the default one. Raises InvalidValueError."""
        return find_target(self.targets, self.request.options.target)

    @property
    def runner(self) -> TargetRunner:
        """The runner of the targets. Raises InvalidValueError."""
        return TargetRunner(self.request, self.source, self.call)
