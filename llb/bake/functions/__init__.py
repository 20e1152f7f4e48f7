"""The functions that bake files may call, by topic. They behave as those of docker buildx 0.38.

Private to :mod:`llb.bake`.
"""

from __future__ import annotations

from llb.bake.evaluation.functions import Function, collected
from llb.bake.functions import (
    collections,
    dates,
    encodings,
    formatting,
    hashes,
    lists,
    logic,
    networks,
    numbers,
    paths,
    regular_expressions,
    sets,
    strings,
    versions,
)

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in collected(
        collections,
        dates,
        encodings,
        formatting,
        hashes,
        lists,
        logic,
        networks,
        numbers,
        paths,
        regular_expressions,
        sets,
        strings,
        versions,
    )
}
