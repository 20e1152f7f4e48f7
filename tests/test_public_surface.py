"""A change of the public names is visible in review."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import llb
from tests.public_surface import LISTING, MODULES, listing


def test_the_public_surface_equals_its_listing() -> None:
    hint = f"update it with: python -m tests.public_surface > {LISTING}"
    assert listing() == LISTING.read_text(), hint


def test_every_package_has_public_names_or_declares_itself_private() -> None:
    packages = [
        module.name
        for module in walk_packages(llb.__path__, "llb.")
        if module.ispkg and ".template" not in module.name and "._" not in module.name
    ]
    for name in packages:
        doc = import_module(name).__doc__ or ""
        is_private = "Private to :mod:`llb" in doc
        assert is_private != (name in MODULES), name
        assert hasattr(import_module(name), "__all__") or is_private, name
