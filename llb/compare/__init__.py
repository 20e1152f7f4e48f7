"""Compare two definitions: added, removed and changed steps, and steps rebuilt as a result."""

from llb.compare.classify import compare
from llb.compare.explanation import explain
from llb.compare.model import AffectedStep, ChangedStep, Comparison, FieldChange, RootCause, Step
from llb.compare.rendering import render

__all__ = [
    "AffectedStep",
    "ChangedStep",
    "Comparison",
    "FieldChange",
    "RootCause",
    "Step",
    "compare",
    "explain",
    "render",
]
