"""Render a definition: as a listing, JSON, a tree, or a picture in DOT or Mermaid."""

from llb.dump.drawing import dot, mermaid
from llb.dump.labels import label
from llb.dump.listing import text
from llb.dump.records import json
from llb.dump.tree import tree

__all__ = ["dot", "json", "label", "mermaid", "text", "tree"]
