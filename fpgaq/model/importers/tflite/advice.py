"""What to do about operators of TensorFlow Lite that are not carried."""

from __future__ import annotations

from collections.abc import Mapping

_SEQUENCE = "; recurrent layers and attention are not carried: use convolutions over time"
_NORM = "; normalizations over a whole frame are not carried: use batch normalization, which the converter folds"
_RESIZE = "; use RESIZE_NEAREST_NEIGHBOR or TRANSPOSE_CONV"

ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "LSTM",
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            "BIDIRECTIONAL_SEQUENCE_LSTM",
            "RNN",
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            "BIDIRECTIONAL_SEQUENCE_RNN",
            "SVDF",
            "BATCH_MATMUL",
        ),
        _SEQUENCE,
    ),
    **dict.fromkeys(("L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", "RSQRT", "SQUARED_DIFFERENCE"), _NORM),
    **dict.fromkeys(("RESIZE_BILINEAR", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), _RESIZE),
    **dict.fromkeys(
        ("WHILE", "IF", "CALL", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"),
        "; hardware has no control flow and no state: convert the inference function alone",
    ),
    **dict.fromkeys(
        ("SHAPE", "RANK", "RANGE", "FILL", "GATHER", "PACK", "UNPACK", "BROADCAST_TO"),
        "; convert the model with fixed sizes (a batch of 1), which lets the converter fold such operators",
    ),
    "LOG_SOFTMAX": "; end the model with SOFTMAX or with its input, whose greatest is the same",
    "TOPK_V2": "; end the model before it, or use ARG_MAX",
    "TILE": "; repeat inside the next layer's weights, or use RESIZE_NEAREST_NEIGHBOR",
    "CAST": "; let the model take the integers of its input's own type",
}
"""By operator; each continues the sentence 'not carried'."""


def advice_for(kind: str) -> str:
    """How the refusal of an operator goes on."""
    if kind.startswith("CUSTOM"):
        return "; the converter left a custom operator: convert with built-in operators only"
    return ADVICE.get(
        kind, "; build the model of the operators that are (fpgaq --debug lists them), or export it to ONNX"
    )
