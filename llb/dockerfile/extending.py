"""What it takes to extend the language: new instructions and checks."""

from llb.dockerfile.language import Check, Finding, Language, NewInstruction
from llb.dockerfile.to_llb.extension_site import Site
from llb.dockerfile.trace import Trail

__all__ = ["Check", "Finding", "Language", "NewInstruction", "Site", "Trail"]
