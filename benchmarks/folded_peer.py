"""One workload in NNgen, run by the Python of NNgen's own environment: generates, simulates, and prints JSON.

    /path/to/nngen/python benchmarks/folded_peer.py '{"shape": [28, 28, 1], "layers": [["conv", 8]], ...}' FOLDER

Keys: shape (height, width, channels; or features alone), layers (["conv", outputs], ["pool"] or ["affine", outputs]),
par (input channels, output channels), bus (bits), simulate (true or false). NNgen takes weights and activations from an
AXI memory; the Icarus simulation of its own test bench counts the cycles from start to end of a frame. Activations are
int8, since NNgen's operators take no unsigned ones with signed weights.
"""

import json
import math
import os
import sys
import time

import nngen as ng
import numpy as np
import veriloggen.thread as vthread
import veriloggen.types.axi as axi
from veriloggen import Delay, Module, Not, Seq, Systask, simulation

CHUNK = 64


def build(task):
    """The network: the placeholder, the output and all layers between."""
    random = np.random.default_rng(0)
    shape = (1, *task["shape"])
    given = ng.placeholder(dtype=ng.int8, shape=shape, name="input_layer")
    par_in, par_out = task["par"]
    value = given
    last = len(task["layers"]) - 1
    for place, (kind, *sizes) in enumerate(task["layers"]):
        if kind == "pool":
            value = ng.max_pool_serial(value, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1))
            value.attribute(par=par_out)
            continue
        if kind == "affine" and len(value.shape) > 2:
            value = ng.reshape(value, [1, -1])
        outputs, inputs = sizes[0], value.shape[-1]
        weight_shape = (outputs, inputs) if kind == "affine" else (outputs, 3, 3, inputs)
        fan_in = inputs if kind == "affine" else inputs * 9
        floats = random.normal(size=weight_shape) * np.sqrt(2 / fan_in)
        scale = 2.0 ** np.floor(np.log2(127 / np.abs(floats).max()))
        weight = ng.variable(dtype=ng.int8, shape=weight_shape, name=f"w{place}")
        weight.set_value(np.clip(np.round(floats * scale), -128, 127).astype(np.int64))
        bias = ng.variable(dtype=ng.int32, shape=(outputs,), name=f"b{place}")
        bias.set_value(np.zeros(outputs, dtype=np.int64))
        options = dict(bias=bias, dtype=ng.int8, sum_dtype=ng.int32)
        if place < last:
            options["act_func"] = ng.relu
        if kind == "affine":
            name = {"name": "output_layer"} if place == last else {}
            value = ng.matmul(value, weight, transposed_b=True, **options, **name)
        else:
            value = ng.conv2d(value, weight, strides=(1, 1, 1, 1), **options)
        # A power of two, as NNgen asks for.
        par_ich = 1 << min(par_in, inputs).bit_length() - 1
        value.attribute(par_ich=par_ich, par_och=min(par_out, outputs), cshamt_out=8)
    return given, value


def bench(target, given, output, inputs, parameters, task, folder):
    """NNgen's own kind of test bench: an AXI memory, a controller that starts and waits."""
    bus = task["bus"]
    variables = math.ceil((given.addr + given.memory_size) / CHUNK) * CHUNK
    scratch = math.ceil((variables + len(parameters)) / CHUNK) * CHUNK
    memory_image = np.zeros([1024 * 1024 * 4], dtype=np.int64)
    axi.set_memory(memory_image, inputs, 32, 8, given.addr, max(bus // 8, task["par"][0]))
    axi.set_memory(memory_image, parameters, 32, 8, variables)
    module = Module("test")
    module.copy_params(target)
    ports = module.copy_sim_ports(target)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = module.Wire("RST")
    reset.assign(Not(resetn))
    memory = axi.AxiMemoryModel(
        module, "memory", clock, reset, datawidth=bus, memimg=memory_image,
        memimg_name=os.path.join(folder, "memory.out"), memimg_datawidth=32,
    )  # fmt: skip
    memory.connect(ports, "maxi")
    slave = vthread.AXIMLite(module, "_saxi", clock, reset, noio=True)
    slave.connect(ports, "saxi")
    counter = module.Reg("time_counter", 32, initval=0)
    sequence = Seq(module, "seq", clock, reset)
    sequence(counter.inc())

    def control():
        for _ in range(100):
            pass
        ng.sim.set_global_addrs(slave, scratch)
        start_time = counter.value
        ng.sim.start(slave)
        ng.sim.wait(slave)
        end_time = counter.value
        # Becomes a $display: an f-string would not.
        print("# execution cycles: %d" % (end_time - start_time))  # noqa: UP031
        vthread.finish()

    thread = vthread.Thread(module, "th_ctrl", clock, reset, control)
    thread.start()
    module.Instance(target, "uut", params=module.connect_params(target), ports=module.connect_ports(target))
    simulation.setup_clock(module, clock, hperiod=5)
    init = simulation.setup_reset(module, resetn, module.make_reset(), period=100, polarity="low")
    init.add(Delay(100000000), Systask("finish"))
    return module


def main():
    """Generate, write the Verilog, simulate if asked, print what was measured."""
    task, folder = json.loads(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    started = time.monotonic()
    given, output = build(task)
    target = ng.to_veriloggen([output], "peer", silent=True, config={"maxi_datawidth": task["bus"]})
    text = target.to_verilog()
    generated = time.monotonic() - started
    with open(os.path.join(folder, "peer.v"), "w") as file:
        file.write(text)
    result = {"generate_seconds": round(generated, 2), "lines": text.count("\n")}
    if task["simulate"]:
        inputs = np.random.default_rng(1).integers(-128, 128, size=given.shape)
        parameters = ng.export_ndarray([output], CHUNK)
        module = bench(target, given, output, inputs, parameters, task, folder)
        started = time.monotonic()
        printed = simulation.Simulator(module, sim="iverilog").run(outputfile=os.path.join(folder, "peer.out"))
        result["simulate_seconds"] = round(time.monotonic() - started, 2)
        cycles = [line.split(":")[1] for line in printed.splitlines() if "execution cycles" in line]
        result["cycles"] = int(cycles[0]) if cycles else None
    print("RESULT " + json.dumps(result))


main()
