"""The file of a build whose targets are functions, or that functions read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from llb.buildfile.target import find_target
from llb.frontend.authoring.target_builder import Maker

if TYPE_CHECKING:
    from llb import SourceFile
    from llb.buildfile import Target
    from llb.buildfile.current import Calls
    from llb.buildfile.running import Part, Stopwatch
    from llb.frontend.dockerui.open import Opened


class Subject(ABC):
    """A file with targets, which a build and its subrequests read."""

    __slots__ = ()

    opened: Opened

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
        """Call a target. Raises what it raises, and LLBError."""

    @property
    def default(self) -> Target:
        """The target of a build that names none. Raises InvalidValueError."""
        return find_target(self.targets, None)

    @property
    def target(self) -> Target:
        """The target that the build names, or the default one. Raises InvalidValueError."""
        return find_target(self.targets, self.opened.options.target)

    @property
    def maker(self) -> Maker:
        """What calls the targets. Raises InvalidValueError."""
        return Maker(self.opened, self.source, self.call)
