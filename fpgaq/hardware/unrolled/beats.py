"""An unrolled network for the beat model: a frame is a beat, and the whole pipeline is one layer."""

from __future__ import annotations

from ...integer.graph import IntegerGraph
from ..schedule.beats import BeatNetwork
from ..schedule.cells import latency
from ..schedule.plans import PipePlan
from ..schedule.schedule import Edge
from .plan import UnrolledPlan


def beat_network(graph: IntegerGraph, plan: UnrolledPlan) -> BeatNetwork:
    """What the beat model needs of an unrolled network.

    The model's layer takes a beat into a register of its own, for which a stage of the pipeline stands. It has room for
    two more beats than the pipeline. They matter only while the output holds everything up, and change no interval.
    """
    (source,), (result,) = graph.inputs, graph.outputs
    elements = {name: graph.tensors[name].size for name in (source, result)}
    pipeline = PipePlan(
        operator=graph.operators[-1].name,
        kind="relu",
        image=graph.tensors[result].shape,
        lanes_in=elements[source],
        lanes_out=elements[result],
        uses=((0,),),
        pops=(True,),
        emits=(True,),
        latency=plan.latency - latency("fpgaq_fifo") - 1,
        fifo_bits=plan.fifo_bits,
    )
    edges = (Edge(source, 0, 0, elements[source]), Edge(result, None, 0, elements[result]))
    return BeatNetwork((result,), (pipeline,), edges, {source: 1}, {result: 1})
