""".nnp files as trainable nnabla graphs, and back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nnabla as nn

from ..base.errors import ModelError, UsageError
from ..model.graph import Graph
from ..model.importers.container import Archive
from ..model.importers.nnp import load_stream, read_choice
from .rebuild import Function, functions, rebuild, same_function


@dataclass(frozen=True)
class Network:
    """A graph by its ends; the parameters are in nnabla's current scope, under their own names.

    Parameters
    ----------
    name : str
    inputs, outputs : mapping of str to nnabla.Variable
        In the executor's order; batch first.
    variables : mapping of str to nnabla.Variable
        All of a loaded graph, by their names in the file.
    """

    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    variables: Mapping[str, Any] = field(default_factory=dict)


def load_network(
    path: str | Path, *, network: str | None = None, batch_size: int = 1, batch_stat: bool | None = None
) -> Network:
    """Load a .nnp as an nnabla graph whose parameters can be trained.

    Parameters
    ----------
    path : str or Path
    network : str, optional
        Which network of the file; by default the first executor's, else the only one.
    batch_size : int
    batch_stat : bool, optional
        True: batch normalization by the statistics of the batch, updating the running ones (training mode);
        False: by the running statistics; by default as in the file.

    Raises
    ------
    ModelError
        A file that is unsound, or one that nnabla itself refuses.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        # nnabla takes whatever a zip holds and trusts it: ours is looked at first, by our own reader.
        if any(name.endswith(".optimizer") for name in Archive(data).names()):
            raise ModelError("holds the state of an optimizer, which nnabla unpickles; save the network without it")
        chosen, interface = read_choice(data, network)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    from nnabla.utils.nnp_graph import NnpLoader

    try:
        with nn.auto_forward(False):
            found = NnpLoader(io.BytesIO(data), extension=".nnp").get_network(chosen, batch_size=batch_size)
        inputs, outputs = dict(found.inputs), dict(found.outputs)
        if interface is not None:
            inputs = {name: found.variables[name] for name in interface.inputs} or inputs
            outputs = {name: found.variables[name] for name in interface.outputs} or outputs
    except Exception as error:
        # nnabla reports a file that it does not take by exceptions of every kind.
        text = " ".join(str(error).split())
        raise ModelError(f"{path}: nnabla cannot load it ({type(error).__name__}: {text[:200]})") from None
    if batch_stat is not None:
        outputs = dict(zip(outputs, with_batch_stat(list(outputs.values()), batch_stat), strict=True))
    variables = dict(found.variables) if batch_stat is None else {}
    return Network(chosen, inputs, outputs, variables)


def with_batch_stat(root: Any, batch_stat: bool) -> Any:
    """A copy of the graph, on the same parameters, with batch normalization in training mode (or not)."""

    def replace(function: Function, inputs: list[Any]) -> list[Any] | None:
        if function.info.type_name != "BatchNormalization":
            return None
        return same_function(function, inputs, batch_stat=batch_stat)

    return rebuild(root, replace)


def save_network(path: str | Path, network: Network) -> None:
    """Write the graph and its parameters as a .nnp that nnabla and fpgaq read; the file appears whole or not at all."""
    from ..base.output import write_file

    write_file(path, network_bytes(network))


def network_bytes(network: Network) -> bytes:
    """The content of the .nnp: the graph and the parameters that it reads.

    Raises
    ------
    UsageError
        A variable that the graph starts from and that is neither an input nor in the current parameter scope, whose
        value nnabla would lose.
    """
    from nnabla.utils.save import save

    stream = io.BytesIO()
    batch = next(iter(network.inputs.values())).shape[0]
    contents = {
        "networks": [
            {
                "name": network.name,
                "batch_size": batch,
                "names": dict(network.inputs),
                "outputs": dict(network.outputs),
            }
        ],
        "executors": [
            {
                "name": network.name,
                "network": network.name,
                "data": list(network.inputs),
                "output": list(network.outputs),
            }
        ],
    }
    save(stream, contents, extension=".nnp", parameters=_parameters(network))
    return stream.getvalue()


def from_nnabla(output: object, name: str = "network") -> Graph:
    """Read an in-memory nnabla graph through the reader of files.

    Parameters
    ----------
    output : nnabla.Variable or sequence of nnabla.Variable
        What the network computes, in inference mode. Its parameters must be in the current parameter scope: nnabla
        saves no others.
    name : str
        The network's name.

    Returns
    -------
    Graph
        Its input is called "x" (several: "x0", "x1" in the order of use), its output "y" (likewise).
    """
    outputs: list[Any] = list(output) if isinstance(output, list | tuple) else [output]
    return load_stream(io.BytesIO(graph_bytes(outputs, name)), name)


def graph_bytes(outputs: Sequence[Any], name: str) -> bytes:
    """The content of a .nnp of a graph in memory, whose inputs are all variables that are no parameters.

    Parameters
    ----------
    outputs : sequence of nnabla.Variable
        What the network computes; called "y" in the file (several: "y0", "y1").
    name : str
        The network's name.
    """
    from nnabla.utils.save import save

    parameters = list(nn.get_parameters(grad_only=False).values())
    inputs: list[Any] = []

    def collect(function: Any) -> None:
        for variable in function.inputs:
            if variable.parent is None and variable not in parameters and variable not in inputs:
                inputs.append(variable)

    for variable in outputs:
        variable.visit(collect)
    network = {
        "name": name,
        "batch_size": outputs[0].shape[0] if outputs[0].shape else 1,
        "names": _named("x", inputs),
        "outputs": _named("y", outputs),
    }
    stream = io.BytesIO()
    save(stream, {"networks": [network], "executors": []}, extension=".nnp")
    return stream.getvalue()


def _named(prefix: str, variables: Sequence[Any]) -> dict[str, Any]:
    if len(variables) == 1:
        return {prefix: variables[0]}
    return {f"{prefix}{index}": variable for index, variable in enumerate(variables)}


def _parameters(network: Network) -> dict[str, Any]:
    known = nn.get_parameters(grad_only=False)
    names = {variable: name for name, variable in known.items()}
    inputs = set(network.inputs.values())
    used: set[str] = set()
    for function in functions(network.outputs):
        for position, variable in enumerate(function.inputs):
            if variable in names:
                used.add(names[variable])
            elif variable.parent is None and variable not in inputs:
                raise UsageError(
                    f"function {function.info.type_name}: its input {position} is neither an input of the network nor"
                    " in the current parameter scope; its value would be lost: save in the scope it was made in"
                )
    return {name: variable for name, variable in known.items() if name in used}


def listing(root: Any) -> list[str]:
    """One line for each function in forward order: its type, its inputs, its outputs, its arguments."""
    parameters = {variable: name for name, variable in nn.get_parameters(grad_only=False).items()}
    numbers: dict[Any, str] = {}

    def label(variable: Any) -> str:
        return str(parameters.get(variable) or numbers.setdefault(variable, f"%{len(numbers)}"))

    lines = []
    for function in functions(root):
        reads = ", ".join(label(variable) for variable in function.inputs)
        writes = ", ".join(f"{label(variable)} {tuple(variable.shape)}" for variable in function.outputs)
        arguments = "".join(f"  {name}={value}" for name, value in function.info.args.items())
        lines.append(f"{function.info.type_name}({reads}) -> {writes}{arguments}")
    return lines
