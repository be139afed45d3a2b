"""Graph to graph: what makes a network as trained into one that a quantizer can read.

Each pass is a plain function in a file of its own; the list below is the whole order, `check` runs after each.
"""

from __future__ import annotations

from collections.abc import Callable

from ..graph import Graph, check
from .check_supported import check_supported
from .cut_softmax import cut_softmax
from .flatten_reshapes import flatten_reshapes
from .fold_batchnorm import fold_batchnorm
from .fold_scalars import fold_scalars
from .fuse_relu import fuse_relu
from .prune import prune_unused
from .remove_identities import remove_identities

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    prune_unused,
    remove_identities,
    cut_softmax,
    flatten_reshapes,
    fold_batchnorm,
    fold_scalars,
    # Once more: a reshape may only now stand directly before the layer that flattens by itself.
    flatten_reshapes,
    fuse_relu,
    check_supported,
)


def standard_passes(graph: Graph) -> Graph:
    """Apply all passes.

    Returns
    -------
    Graph
        Convolution, Affine, MaxPooling and Relu, at most one Reshape, at the input; a Relu directly follows the layer
        that can take it in wherever there is one. `classifier` is set if a Softmax was cut off.

    Raises
    ------
    UnsupportedError
        Where a fold would change the result or a structure is not carried, naming the layer and the reason.
    ModelError
        If a folded parameter is no longer finite.
    """
    graph = check(graph)
    for transform in PASSES:
        graph = check(transform(graph))
    return graph
