"""Sums of sums: one sum, which hardware rounds once."""

from __future__ import annotations

from dataclasses import replace

from ..graph import Add, Graph, Operator, ScaleOffset
from .rewrite import consumer_counts


def merge_sums(graph: Graph) -> Graph:
    """Take an Add that only another Add, or a change of sign, reads into that one."""
    counts = consumer_counts(graph)
    kept: dict[str, Operator] = {}
    for op in graph.operators:
        negated = kept.get(op.input) if isinstance(op, ScaleOffset) and (op.scale, op.offset) == (-1.0, 0.0) else None
        if isinstance(negated, Add) and counts[op.input] == 1:
            del kept[op.input]
            op = replace(negated, name=op.name, output=op.output, signs=tuple(-sign for sign in negated.signs))
        elif isinstance(op, Add):
            inputs: list[str] = []
            signs: list[int] = []
            for name, sign in zip(op.inputs, op.signs, strict=True):
                inner = kept.get(name)
                if isinstance(inner, Add) and counts[name] == 1:
                    del kept[name]
                    inputs += inner.inputs
                    signs += [sign * own for own in inner.signs]
                else:
                    inputs.append(name)
                    signs.append(sign)
            op = replace(op, inputs=tuple(inputs), signs=tuple(signs))
        kept[op.output] = op
    return graph.with_operators(tuple(kept.values()))
