"""A repository with a malicious file for every module that our programs could import."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_CODE = """\
with open({canary!r}, "a") as file:
    file.write(__name__ + "\\n")
"""


class HostileRepository:
    """A folder whose modules record their names in a canary file when imported."""

    def __init__(self, folder: Path, *, without: Collection[str] = ()) -> None:
        self.folder = folder
        self._canary = folder.with_name(f"{folder.name}-canary")
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        code = _CODE.format(canary=str(self._canary))
        names = {*sys.stdlib_module_names, *packages_distributions(), "frontend", "llb"}
        for name in sorted({*names, "sitecustomize", "usercustomize"} - {*without}):
            (folder / f"{name}.py").write_text(code)

    @property
    def imported(self) -> list[str]:
        """The modules of the repository that were imported, in order."""
        return self._canary.read_text().split() if self._canary.exists() else []
