"""Weights in the order in which a layer's steps multiply them."""

from __future__ import annotations

import numpy as np

from ....integer.graph import IntegerAffine, IntegerArray, IntegerConvolution
from ...schedule.plans import WindowPlan


def step_weights(op: IntegerConvolution | IntegerAffine, plan: WindowPlan) -> IntegerArray:
    """The weights of each step: (steps of a pixel, output lanes, products of each).

    Products are channels within taps; those beyond taps, channels or outputs have weight zero.
    """
    dense = _as_seen(op, plan)  # (outputs, taps, channels)
    fold = plan.fold
    if plan.kind == "lanewise":
        lanewise = np.zeros((plan.groups * fold.outputs, plan.tap_groups * fold.taps), dtype=np.int64)
        lanewise[: dense.shape[0], : dense.shape[1]] = dense[:, :, 0]
        steps = lanewise.reshape(plan.groups, fold.outputs, plan.tap_groups, fold.taps).transpose(0, 2, 1, 3)
        return steps.reshape(plan.groups * plan.steps, fold.outputs, fold.taps)
    outputs, taps, channels = dense.shape
    conv_groups = plan.groups // plan.groups_sharing
    group_outputs = outputs // conv_groups
    padded = np.zeros(
        (
            conv_groups,
            plan.groups_sharing * fold.outputs,
            plan.tap_groups * fold.taps,
            plan.channel_groups * fold.channels,
        ),
        dtype=np.int64,
    )
    padded[:, :group_outputs, :taps, :channels] = dense.reshape(conv_groups, group_outputs, taps, channels)
    steps = padded.reshape(
        plan.groups, fold.outputs, plan.tap_groups, fold.taps, plan.channel_groups, fold.channels
    ).transpose(0, 2, 4, 1, 3, 5)
    return steps.reshape(plan.groups * plan.steps, fold.outputs, fold.taps * fold.channels)


def _as_seen(op: IntegerConvolution | IntegerAffine, plan: WindowPlan) -> IntegerArray:
    """Weights as (outputs, taps, channels) of the image that the layer sees: unused lanes of its input get zeros."""
    if isinstance(op, IntegerConvolution):
        outputs, height, width, channels = op.weight.shape
        return op.weight.reshape(outputs, height * width, channels)
    return op.weight[:, None, :] if op.weight.shape[1] == plan.image[2] else _spread(op, plan)


def _spread(op: IntegerAffine, plan: WindowPlan) -> IntegerArray:
    """Affine weights with zeros where the last beat of each input pixel has unused lanes."""
    outputs, features = op.weight.shape
    channels = plan.input_channels
    beats = -(-channels // plan.lanes_in)
    spread = np.zeros((outputs, features // channels, beats * plan.lanes_in), dtype=np.int64)
    spread[:, :, :channels] = op.weight.reshape(outputs, -1, channels)
    return spread.reshape(outputs, 1, -1)
