"""Compare two definitions: added, removed and changed steps, and steps rebuilt as a result."""

from llb.compare.classify import compare
from llb.compare.explanation import explain
from llb.compare.model import (
    AffectedStep,
    ChangedStep,
    ComparedStep,
    Comparison,
    FieldChange,
    RootCause,
)
from llb.compare.rendering import render

__all__ = [
    "AffectedStep",
    "ChangedStep",
    "ComparedStep",
    "Comparison",
    "FieldChange",
    "RootCause",
    "compare",
    "explain",
    "render",
]
