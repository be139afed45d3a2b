"""Advice for functions of nnabla that are not supported."""

from __future__ import annotations

from collections.abc import Iterable

_NORM = "its statistics are not constant; train with BatchNormalization, which becomes constants"
_SEQUENCE = "sequence and attention layers are not carried; use convolutions over time"
_WEIGHTS = "save the float network from before quantization: fpgaq quantizes by itself"

ADVICE: dict[str, str] = {
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization", "LayerNormalization", "NormNormalization"), _NORM),
    "TensorNormalization": _NORM,
    **dict.fromkeys(("BatchMatmul", "LSTM", "GRU", "RNN"), _SEQUENCE),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _WEIGHTS),
    "Embed": "feed the embedded vector as the input",
    "OneHot": "feed the one-hot vector as the input",
}


def advice(kinds: Iterable[str]) -> str:
    """The remedies for some functions, each once."""
    found = [remedy for remedy in dict.fromkeys(ADVICE.get(kind, "") for kind in kinds) if remedy]
    return "; " + ("; ".join(found) or "end the network before it (--outputs NAME), or use another layer")
