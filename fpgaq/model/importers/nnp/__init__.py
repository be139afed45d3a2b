"""The reader of nnabla's .nnp files: container, network text, parameters, and the choice of the network.

It needs neither nnabla nor protobuf. The first executor of a file names the network and its inputs and outputs, as
Neural Network Console and nnabla's own runner have it; without executors a file must hold one network.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import BinaryIO

import numpy as np

from ....base.errors import ModelError, ToolError, UnsupportedError
from ...graph import Array, Graph
from ..container import MAX_NETWORK_BYTES, MAX_PARAMETER_BYTES, Archive, read_stream
from . import hdf5, wire
from .graph import build_graph
from .network import Interface, read_interface, read_network
from .proto_fields import Fields
from .text_proto import Message, parse

NETWORK_SUFFIXES = (".nntxt", ".prototxt")
PARAMETER_SUFFIXES = (".h5", ".protobuf")
SKIPPED_SECTIONS = ("version", "global_config", "training_config", "dataset", "optimizer", "monitor")


def load_nnp(data: bytes, network: str | None = None, refuse_batch_statistics: bool = False) -> Graph:
    """Read the content of an .nnp file.

    Parameters
    ----------
    data : bytes
        A zip with one `.nntxt` or `.prototxt` network and one `.h5` or `.protobuf` parameter member; others, such as
        the optimizer's state, are not looked at.
    network : str, optional
        Name of an executor or network, if not the first executor's.
    refuse_batch_statistics : bool
        Refuse batch normalization in training mode; by default its running statistics are used, with a note.

    Raises
    ------
    ModelError
        For a file that is damaged, unsafe or incomplete; a parameter without a value is never made up.
    UnsupportedError
        For functions and arguments that fpgaq does not carry, all functions in one message.
    """
    archive = Archive(data)
    member = _one_member(archive, NETWORK_SUFFIXES, "network")
    if member is None:
        raise ModelError("the zip holds no network (.nntxt or .prototxt); save the model with nnabla.utils.save")
    text = archive.read(member, MAX_NETWORK_BYTES)
    found: list[tuple[str, Array]] = []
    parameter_member = _one_member(archive, PARAMETER_SUFFIXES, "parameter")
    if parameter_member is not None:
        decode = hdf5.decode_parameters if parameter_member.endswith(".h5") else wire.decode_parameters
        content = archive.read(parameter_member, MAX_PARAMETER_BYTES)
        try:
            found = decode(content)
        except ModelError as error:
            raise ModelError(f"member {parameter_member!r}: {error}") from None
    return _load(text, member, found, network, refuse_batch_statistics)


def load_nntxt(data: bytes, network: str | None = None, refuse_batch_statistics: bool = False) -> Graph:
    """Read a bare `.nntxt`, whose parameters must stand in the text itself."""
    if len(data) > MAX_NETWORK_BYTES:
        raise ModelError(f"is {len(data)} bytes; a network text has at most {MAX_NETWORK_BYTES}; save it as .nnp")
    return _load(data, "text", [], network, refuse_batch_statistics)


def read_choice(data: bytes, network: str | None = None) -> tuple[str, Interface | None]:
    """Which network of an .nnp `load_nnp` would read, and the executor that names its inputs and outputs."""
    archive = Archive(data)
    member = _one_member(archive, NETWORK_SUFFIXES, "network")
    if member is None:
        raise ModelError("the zip holds no network (.nntxt or .prototxt); save the model with nnabla.utils.save")
    root = Fields(parse(archive.read(member, MAX_NETWORK_BYTES), member), member, "model")
    executors = [read_interface(message, member) for message in root.messages("executor")]
    return _choose(_by_name(root.messages("network"), member), executors, network)


def load_stream(stream: BinaryIO, network: str | None = None) -> Graph:
    """Read an .nnp from a binary file object."""
    return load_nnp(read_stream(stream), network)


def _one_member(archive: Archive, suffixes: tuple[str, ...], kind: str) -> str | None:
    members = [name for name in archive.names() if name.endswith(suffixes)]
    if len(members) > 1:
        raise ModelError(
            f"the zip holds {len(members)} {kind} members, {members[0]!r} and {members[1]!r}; expected one"
        )
    return members[0] if members else None


def _load(
    text: bytes, where: str, found: list[tuple[str, Array]], network: str | None, refuse_batch_statistics: bool
) -> Graph:
    root = Fields(parse(text, where), where, "model")
    root.skip(SKIPPED_SECTIONS)
    networks = _by_name(root.messages("network"), where)
    executors = [read_interface(message, where) for message in root.messages("executor")]
    inline = [_inline_parameter(message, where) for message in root.messages("parameter")]
    root.finish()
    name, interface = _choose(networks, executors, network)
    parameters = _unique([*found, *inline])
    return build_graph(read_network(networks[name], where), interface, parameters, refuse_batch_statistics)


def _by_name(messages: list[Message], where: str) -> dict[str, Message]:
    networks: dict[str, Message] = {}
    for message in messages:
        name = Fields(message, where, "network").string("name")
        if name in networks:
            raise ModelError(f"{where}:{message.line}:{message.column}: network {name!r} is there twice")
        networks[name] = message
    if not networks:
        raise ModelError(f"{where}: the text holds no network; save the model with nnabla.utils.save")
    return networks


def _choose(
    networks: Mapping[str, Message], executors: list[Interface], wanted: str | None
) -> tuple[str, Interface | None]:
    """The network to read and the executor that names its inputs and outputs, if one does."""
    if wanted is not None:
        for executor in executors:
            if wanted == executor.name or (wanted == executor.network and executor.network in networks):
                return _existing(executor, networks)
        if wanted in networks:
            return wanted, None
        known = ", ".join(repr(name) for name in dict.fromkeys([*(e.name for e in executors), *networks]))
        raise ModelError(f"no network or executor {wanted!r}; the file has {known}")
    if executors:
        return _existing(executors[0], networks)
    if len(networks) > 1:
        known = ", ".join(repr(name) for name in networks)
        raise ModelError(f"the file has {len(networks)} networks and no executor; choose one of {known}")
    return next(iter(networks)), None


def _existing(executor: Interface, networks: Mapping[str, Message]) -> tuple[str, Interface]:
    if executor.network not in networks:
        known = ", ".join(repr(name) for name in networks)
        raise ModelError(f"executor {executor.name!r} names network {executor.network!r}; the file has {known}")
    return executor.network, executor


def _inline_parameter(message: Message, where: str) -> tuple[str, Array]:
    fields = Fields(message, where, "parameter")
    name = fields.string("variable_name")
    fields.owner = f"parameter {name!r}"
    shape = fields.shape("shape") or []
    with np.errstate(over="ignore"):
        values = np.array(fields.reals("data"), np.float64).astype(np.float32)
    fields.skip(("need_grad",))
    fields.finish()
    count = 1
    for dim in shape:
        count *= dim
    if len(shape) > 32 or min(shape, default=1) < 0 or count != values.size:
        raise fields.error(f"declares shape {shape}, {count} values, but holds {values.size}")
    return name, values.reshape(shape)


def _unique(pairs: list[tuple[str, Array]]) -> dict[str, Array]:
    parameters: dict[str, Array] = {}
    for name, array in pairs:
        if name in parameters:
            raise ModelError(f"parameter {name!r} is in the file twice; save the model again")
        parameters[name] = array
    return parameters


def from_nnabla(output: object, name: str = "network") -> Graph:
    """Read an in-memory nnabla graph: `fpgaq.nnabla.files.from_nnabla`, under the name that it had in 0.1.0.

    Raises
    ------
    UnsupportedError
        Where nnabla is not installed.
    """
    try:
        files = import_module("fpgaq.nnabla.files")
    except ToolError:
        raise UnsupportedError(
            "an in-memory nnabla graph needs nnabla itself (on CPython 3.10: pip install 'fpgaq[nnabla]')"
        ) from None
    graph: Graph = files.from_nnabla(output, name)
    return graph
