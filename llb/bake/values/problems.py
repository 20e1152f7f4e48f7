"""The exception for values that cannot be converted or used; callers add the place in the file."""

from __future__ import annotations


class Unsuitable(ValueError):  # noqa: N818 - it never reaches a caller of this package
    """A value cannot be converted, or an operation is not possible with it.

    ``argument`` is the index of the function's argument that is to blame, if it is known.
    """

    def __init__(self, message: str, *, argument: int | None = None) -> None:
        super().__init__(message)
        self.argument = argument
