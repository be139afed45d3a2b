"""Networks of nnabla by its own exporter to ONNX, in the project's environment of CPython 3.10, which nnabla needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nnabla as nn
import nnabla.functions as F  # noqa: N812
import nnabla.parametric_functions as PF  # noqa: N812
import nnabla.utils.converter as converter
import numpy as np
from nnabla.utils.save import save
from recording import Recorder, scratch

# nnabla_converter installs itself into nnabla's own folder; here it stands in a folder of its own on PYTHONPATH.
converter.__path__.extend(str(found) for place in sys.path if (found := Path(place, "nnabla/utils/converter")).is_dir())

from nnabla.utils.converter.nnabla import NnpImporter  # noqa: E402
from nnabla.utils.converter.onnx import OnnxExporter  # noqa: E402


def lenet(x: Any) -> Any:
    """Convolutions, pooling, a softmax."""
    h = F.max_pooling(F.relu(PF.convolution(x, 4, (3, 3), name="c1")), (2, 2))
    h = F.max_pooling(F.tanh(PF.convolution(h, 4, (3, 3), pad=(1, 1), name="c2")), (2, 2))
    return F.softmax(PF.affine(h, 5, name="a1"))


def residual(x: Any) -> Any:
    """Batch normalization, an addition, a mean."""
    h = PF.convolution(x, 4, (3, 3), pad=(1, 1), with_bias=False, name="c1")
    h = F.relu(PF.batch_normalization(h, batch_stat=False, name="b1"))
    return PF.affine(F.global_average_pooling(F.add2(h, x)), 3, name="a1")


def functions(x: Any) -> Any:
    """Functions of one number between layers."""
    h = x
    for index, function in enumerate((F.elu, F.selu, F.swish, F.sigmoid, F.softplus, F.leaky_relu)):
        h = function(PF.affine(h, 6, name=f"a{index}"))
    return h


def depthwise(x: Any) -> Any:
    """A depthwise convolution with a pointwise one, PReLU, a transposed convolution."""
    h = PF.depthwise_convolution(x, (3, 3), pad=(1, 1), name="d1")
    h = PF.prelu(PF.convolution(h, 4, (1, 1), name="c1"), name="p1")
    return PF.deconvolution(h, 2, (2, 2), stride=(2, 2), name="u1")


IR_VERSION = 8

NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "lenet": (lenet, (1, 10, 10)),
    "residual": (residual, (4, 6, 6)),
    "functions": (functions, (6,)),
    "depthwise": (depthwise, (4, 6, 6)),
}


def main() -> None:
    """Export each network."""
    recorder = Recorder(__file__, ("nnabla", "onnx", "numpy"))
    chance = np.random.default_rng(0)
    for name, (build, shape) in NETWORKS.items():
        nn.clear_parameters()
        nn.random.prng = np.random.RandomState(0)
        x = nn.Variable((1, *shape))
        y = build(x)
        for key, parameter in nn.get_parameters(grad_only=False).items():
            if key.endswith("/var"):
                parameter.d = chance.uniform(0.5, 1.5, parameter.shape)
            elif key.endswith(("/mean", "/beta", "/b")):
                parameter.d = chance.normal(0, 0.3, parameter.shape)
        x.d = chance.normal(size=x.shape)
        y.forward()
        with scratch() as folder:
            contents = {
                "networks": [{"name": name, "batch_size": 1, "outputs": {"y": y}, "names": {"x": x}}],
                "executors": [{"name": name, "network": name, "data": ["x"], "output": ["y"]}],
            }
            save(str(folder / "model.nnp"), contents)
            model = NnpImporter(str(folder / "model.nnp"), expand_network=True, executor_index=0).execute()
            OnnxExporter(model, 1, IR_VERSION, opset="13").execute(str(folder / "model.onnx"))
            recorder.add(f"nnabla_{name}", folder / "model.onnx", {"x": x.d.copy()}, [y.d.copy()])
    recorder.finish()


if __name__ == "__main__":
    main()
