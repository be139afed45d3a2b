"""Several elementwise operators that compute one function of one number: one table in place of many.

GELU, SiLU, Mish and the like come spelled in every way. What a spelling computes is compared with the functions that
are known, at thousands of numbers in float64; equal is to 1e-6, for spellings differ in the digits of constants. Of
others, those with a function that has no use alone (a comparison, an error function) become one table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..functions import COMPOSED, compose, evaluate
from ..graph import Add, Graph, Identity, Multiply, Operator, Pointwise, Relu, ScaleOffset
from .rewrite import consumer_counts, fresh_name

KNOWN: tuple[str, ...] = ("gelu_exact", "gelu_tanh", "mish", "swish", "hard_swish", "softsign")
CHAINS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("sigmoid", ()),
    ("tanh", ()),
    ("log_sigmoid", ()),
    ("softplus", (1.0,)),
)
"""Functions that are also written as functions of functions, whose steps alone would overflow: 1 / (1 + exp(-x))."""
PARTS = frozenset(
    {"above", "at_least", "erf", "round", "floor", "ceil", "sign", "arctan", "shrink", "thresholded_relu"}
)
"""Functions that stand in compositions rather than alone."""
MAX_WORDS = 64
POINTS = np.concatenate([np.linspace(-12, 12, 2401), np.linspace(-1, 1, 401), np.array([-60.0, -30.0, 30.0, 60.0])])


@dataclass(frozen=True)
class _Formula:
    """A tensor as a function of the one tensor that it depends on: postfix words, and the tensors on the way."""

    source: str
    words: tuple[str, ...] = ("x",)
    inner: frozenset[str] = frozenset()
    joins: int = 0


def compositions(graph: Graph) -> Graph:
    """Replace each largest region of elementwise operators on one tensor that is a known function, or one of parts."""
    formulas: dict[str, _Formula] = {}
    for op in graph.operators:
        found = _formula(op, formulas, graph)
        if found is not None:
            formulas[op.output] = found
    counts, readers = consumer_counts(graph), _readers(graph)
    gone: set[str] = set()
    replaced: dict[str, tuple[Operator, ...]] = {}
    shapes = dict(graph.shapes)
    for op in reversed(graph.operators):
        formula = formulas.get(op.output)
        chained = formula is not None and sum("(" in word for word in formula.words) > 1
        if formula is None or not (formula.joins or chained) or op.output in gone:
            continue
        region = formula.inner | {op.output}
        if any(counts[name] != sum(reader in region for reader in readers.get(name, ())) for name in formula.inner):
            continue
        if not formula.joins:
            chain = _chain(formula, op, graph)
            if chain is not None:
                shapes |= {step.output: shapes[op.output] for step in chain}
                replaced[op.output] = chain
                gone |= formula.inner
            continue
        function = _function(formula)
        if function is not None:
            name, parameters = function
            positive = (name, parameters) == ("leaky_relu", (0.0,))
            replaced[op.output] = (
                Relu(op.name, (formula.source,), op.output)
                if positive
                else Pointwise(op.name, (formula.source,), op.output, name, parameters),
            )
            gone |= formula.inner
    if not replaced:
        return graph
    kept = [op for op in graph.operators if op.output not in gone]
    operators = tuple(step for op in kept for step in replaced.get(op.output, (op,)))
    return replace(graph, shapes=shapes).with_operators(operators)


def _chain(formula: _Formula, op: Operator, graph: Graph) -> tuple[Operator, ...] | None:
    """The operators for functions of functions that are one known function, after a scale and an offset."""
    words, scale, offset = formula.words[1:], 1.0, 0.0
    while words[1:2] == ("*",) and words[3:4] == ("+",):
        factor, term = float(words[0]), float(words[2])
        scale, offset, words = scale * factor, offset * factor + term, words[4:]
    if sum("(" in word for word in words) < 2:
        return None
    values = evaluate(compose(("x", *words)), (), POINTS)
    for name, parameters in CHAINS:
        for sign in (1.0, -1.0):
            if _equal(values, evaluate(name, parameters, sign * POINTS)):
                scale, offset, source = sign * scale, sign * offset, formula.source
                steps: tuple[Operator, ...] = ()
                if (scale, offset) != (1.0, 0.0):
                    source = fresh_name(graph, f"{op.output}.argument")
                    steps = (ScaleOffset(f"{op.name}.argument", (formula.source,), source, scale, offset),)
                return (*steps, Pointwise(op.name, (source,), op.output, name, parameters))
    return None


def _readers(graph: Graph) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for op in graph.operators:
        for name in op.inputs:
            readers.setdefault(name, []).append(op.output)
    return readers


def _formula(op: Operator, formulas: dict[str, _Formula], graph: Graph) -> _Formula | None:
    if isinstance(op, Add | Multiply):
        return _joined(op, formulas)
    if isinstance(op, Pointwise) and not op.function.startswith(COMPOSED):
        arguments = ",".join(repr(float(value)) for value in op.parameters)
        words: tuple[str, ...] = (f"{op.function}({arguments})",)
    elif isinstance(op, Relu):
        words = ("maximum(0.0)",)
    elif isinstance(op, ScaleOffset):
        words = (repr(op.scale), "*", repr(op.offset), "+")
    elif isinstance(op, Identity):
        words = ()
    else:
        return None
    before = formulas.get(op.input, _Formula(op.input))
    return _bounded(before.source, before.words + words, before.inner | _inside(op.input, before), before.joins)


def _joined(op: Add | Multiply, formulas: dict[str, _Formula]) -> _Formula | None:
    """A sum or product of two functions of one tensor, or of it and a function of it."""
    if len(op.inputs) != 2:
        return None
    sides = [formulas.get(name, _Formula(name)) for name in op.inputs]
    source = next(
        (side.source for side in sides if all(_of(s, n, side.source) for s, n in zip(sides, op.inputs, strict=True))),
        None,
    )
    if source is None:
        shared = [name for name, side in zip(op.inputs, sides[::-1], strict=True) if name in side.inner]
        if not shared:
            return None
        source = shared[0]
        sides = [_since(side, name, source, formulas) for side, name in zip(sides, op.inputs, strict=True)]
    words: tuple[str, ...] = ()
    signs = op.signs if isinstance(op, Add) else (1, 1)
    for side, sign in zip(sides, signs, strict=True):
        words += side.words + (() if sign > 0 else ("-1.0", "*"))
    inner = frozenset().union(*(s.inner | _inside(n, s) for s, n in zip(sides, op.inputs, strict=True))) - {source}
    return _bounded(source, (*words, "*" if isinstance(op, Multiply) else "+"), inner, 1 + sum(s.joins for s in sides))


def _of(side: _Formula, name: str, source: str) -> bool:
    return side.source == source or name == source


def _since(side: _Formula, name: str, source: str, formulas: dict[str, _Formula]) -> _Formula:
    """A formula of a tensor on its way instead of its source."""
    if name == source:
        return _Formula(source)
    start = formulas[source]
    length = len(start.words)
    return _Formula(source, ("x", *side.words[length:]), side.inner - start.inner - {source}, side.joins)


def _inside(name: str, formula: _Formula) -> frozenset[str]:
    return frozenset() if name == formula.source else frozenset({name})


def _bounded(source: str, words: tuple[str, ...], inner: frozenset[str], joins: int) -> _Formula | None:
    return _Formula(source, words, inner, joins) if len(words) <= MAX_WORDS else None


def _function(formula: _Formula) -> tuple[str, tuple[float, ...]] | None:
    name = compose(formula.words)
    values = evaluate(name, (), POINTS)
    for known in KNOWN:
        if _equal(values, evaluate(known, (), POINTS)):
            return known, ()
    if not {word.partition("(")[0] for word in formula.words} & PARTS:
        return None
    slope = -float(evaluate(name, (), -1.0))
    if _equal(values, evaluate("leaky_relu", (slope,), POINTS)):
        return "leaky_relu", (float(np.float32(slope)),)
    return (name, ()) if np.isfinite(values).all() else None


def _equal(values: np.ndarray, others: np.ndarray) -> bool:  # type: ignore[type-arg]
    return bool(np.all(np.abs(values - others) <= 1e-6 * np.maximum(1, np.abs(others))))
