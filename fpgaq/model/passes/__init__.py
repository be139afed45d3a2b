"""Graph to graph: the passes that make a network as trained into one that a quantizer can read.

Each pass is a plain function in a file of its own; the list below is the whole order, `check` runs after each.
"""

from __future__ import annotations

from collections.abc import Callable

from ...base.errors import UnsupportedError
from ..graph import Graph, check
from ..graph.fixed import is_fixed
from .check_supported import check_supported
from .compositions import compositions
from .cut_softmax import cut_softmax
from .flatten_reshapes import flatten_reshapes
from .fold_batchnorm import fold_batchnorm
from .fold_padding import fold_padding
from .fold_scalars import fold_scalars
from .fuse_relu import fuse_relu
from .merge_sums import merge_sums
from .move_quantizers import move_quantizers
from .recognize import recognize
from .remove_identities import remove_identities
from .remove_unused import remove_unused
from .rows_to_images import rows_to_images

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    remove_unused,
    remove_identities,
    cut_softmax,
    rows_to_images,
    # The reshapes around one-dimensional layers are idle now.
    remove_identities,
    compositions,
    recognize,
    flatten_reshapes,
    fold_padding,
    fold_batchnorm,
    fold_scalars,
    # Once more: a reshape may only now stand directly before the layer that flattens by itself.
    flatten_reshapes,
    fuse_relu,
    check_supported,
)

FIXED_PASSES: tuple[Callable[[Graph], Graph], ...] = (
    remove_unused,
    remove_identities,
    cut_softmax,
    rows_to_images,
    remove_identities,
    recognize,
    flatten_reshapes,
    fold_padding,
    merge_sums,
    fuse_relu,
    move_quantizers,
    check_supported,
)
"""For a network that was trained in fixed point: nothing may change a number, so nothing is folded into weights."""


def standard_passes(graph: Graph) -> Graph:
    """Apply all passes.

    Returns
    -------
    Graph
        Vectors and images, with reshapes where elements really move and at the network's ends; a Relu directly follows
        the layer that can take it in wherever there is one; BatchNormalization and ScaleOffset where no layer could
        take them in. `classifier` is set if a Softmax was cut off.

    Raises
    ------
    UnsupportedError
        Where a structure is not carried, naming the layer and the reason.
    ModelError
        If a folded parameter is no longer finite.
    """
    named = graph.outputs
    graph = check(graph)
    for transform in FIXED_PASSES if is_fixed(graph.operators) else PASSES:
        graph = check(transform(graph))
    _refuse_equal_outputs(named, graph.outputs)
    return graph


def _refuse_equal_outputs(named: tuple[str, ...], tensors: tuple[str, ...]) -> None:
    """Hardware has a port for each output, and a file a name: both outputs would be called by the one tensor's."""
    for index, tensor in enumerate(tensors):
        first = tensors.index(tensor)
        if first != index:
            raise UnsupportedError(
                f"outputs {named[first]!r} and {named[index]!r} are the same values; supported: each tensor once among"
                f" the outputs: take {named[index]!r} out of the model's outputs and read the other"
            )
