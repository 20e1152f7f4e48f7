"""Encode a graph of operations as a definition.

The bytes equal those of Go's ``client/llb``, because the daemon encodes every operation again by
Go's rules and looks up source locations by the digest of the result. Go writes protobuf fields by
number and map entries sorted by key, except that the members of a oneof come after the plain
fields: an operation's platform (10) and constraints (11) come before the operation itself (2 to 8).

Private to :mod:`llb`.
"""

from llb.wire.marshal import MarshalOptions, marshal

__all__ = ["MarshalOptions", "marshal"]
