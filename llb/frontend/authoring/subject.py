"""What subrequests and checks look at: a file whose targets are functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llb import SourceFile
    from llb.buildfile import Target
    from llb.frontend.authoring.target_builder import Maker
    from llb.frontend.dockerui.open import Opened


class Subject(Protocol):
    """A file whose targets are functions, or that functions read."""

    @property
    def opened(self) -> Opened:
        """The build."""

    @property
    def source(self) -> SourceFile:
        """The file."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets in their order. Raises LLBError."""

    @property
    def default(self) -> Target:
        """The target that is built where none is asked for. Raises InvalidValueError."""

    @property
    def target(self) -> Target:
        """The target that was asked for, or the default one. Raises InvalidValueError."""

    @property
    def maker(self) -> Maker:
        """What calls the targets. Raises InvalidValueError."""
