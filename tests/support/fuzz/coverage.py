"""The features that a fuzz case exercises, in words, so that a run can list what it has covered."""

from __future__ import annotations

from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import PipePlan, WindowPlan
from fpgaq.integer.graph import (
    OPERATORS,
    IntegerAffine,
    IntegerConvolution,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Tensor,
)
from tests.support.fuzz.case import Case

FEATURES = frozenset(
    {
        "stalls",
        "no stalls",
        "shared engine",
        "shared engine next to others",
        "shared: depthwise next to others",
        "shared: signs of inputs differ",
        "shared: turns interleaved",
        "products in logic",
        "target in cycles",
        "target in multipliers",
        *(operator.__name__ for operator in OPERATORS),
        "signed input",
        "unsigned input",
        "elements: 1 bit",
        "elements: 2 to 7 bits",
        "elements: 8 bits",
        "elements: 9 to 16",
        "elements: wider",
        "weights: 8 bits",
        "weights: other widths",
        "accumulator as output",
        "rounding: half_up",
        "rounding: half_away",
        "rounding: half_even",
        "rounding: floor",
        "shift 0",
        "shifts per channel",
        "one shift",
        "fused relu",
        "unsigned result",
        "narrow result",
        "signed result",
        "groups",
        "depthwise",
        "padding value",
        "relu into a wider format",
        "1x1 image",
        "one-pixel rows",
        "one row",
        "even kernel",
        "kernel not square",
        "padding",
        "pooling with padding",
        "unequal padding",
        "window in the padding",
        "stride over kernel",
        "dilation",
        "several tap lanes",
        "several channel lanes",
        "several output lanes",
        "tap lanes that do not divide",
        "results in several beats",
        "several channel groups in a word",
        "adder tree",
        "line buffer below a frame",
        "fork",
        "tensor read twice by one operator",
        "several outputs",
        "output that is read too",
        "several inputs",
        "serializer",
        "queue above 2 beats",
        "pipe of several phases",
        "sum over the whole image",
        "sum: odd divisor",
        "sum: even divisor",
        "sum: divisors by pixel",
        "sum: negative totals",
        "sum rounding: half_up",
        "sum rounding: half_away",
        "sum rounding: half_even",
        "sum rounding: floor",
        "scale: own negative factor",
        "scale: shifts per channel",
        "pad: constant",
        "pad: value",
        "pad: reflect",
        "pad: repeat",
        "upsample: zeros",
        "upsample: copies",
        "slice: pixels",
        "slice: channels",
        "transpose: channels move",
        "transpose: channels stay",
        "arbitrary scale",
        "zero point",
        "clip",
        "clip at one end",
        "clip of sums and products",
        "zero point as padding",
    }
)
"""All that `features` can say."""


def features(case: Case) -> set[str]:
    """The features that a case exercises, in words."""
    found = _branch_features(case) | _engine_features(case)
    found |= {"stalls" if case.stall_seed is not None else "no stalls"}
    found |= {"products in logic"} if case.schedule.logic_bits and case.schedule.engines else set()
    found.add("target in cycles" if case.target.cycles is not None else "target in multipliers")
    for op, plan in zip(case.graph.operators, case.schedule.plans, strict=True):
        source, result = case.graph.tensors[op.input], case.graph.tensors[op.output]
        found |= _operator_features(op, source, result)
        found |= {type(op).__name__, f"{'signed' if source.format.signed else 'unsigned'} input"}
        found |= _format_features(source.format) | _clip_features(op, result)
        if isinstance(op, IntegerConvolution | IntegerAffine):
            found |= _sum_features(op, result.format)
        if isinstance(plan, WindowPlan):
            found |= _window_features(plan, plan.kind in ("max", "sum"))
        if isinstance(op, IntegerConvolution) and op.groups > 1:
            found.add("depthwise" if op.groups == source.shape[2] else "groups")
        if isinstance(op, IntegerConvolution) and any(op.padding) and op.padding_value:
            found.add("zero point as padding" if source.zero_point else "padding value")
        found |= {"arbitrary scale"} if result.scale is not None else set()
        found |= {"zero point"} if source.zero_point else set()
        if isinstance(op, IntegerRelu) and result.format.width > source.format.width:
            found.add("relu into a wider format")
    return found


def _engine_features(case: Case) -> set[str]:
    plans = {plan.operator: plan for plan in case.schedule.plans if isinstance(plan, WindowPlan)}
    formats = {op.name: case.graph.tensors[op.input].format for op in case.graph.operators}
    found: set[str] = set()
    for engine in case.schedule.engines:
        tests = {
            "shared engine": engine.shared,
            "shared engine next to others": engine.shared and len(case.schedule.engines) > 1,
            "shared: depthwise next to others": len({plans[name].kind for name in engine.layers}) > 1,
            "shared: signs of inputs differ": len({formats[name].signed for name in engine.layers}) > 1,
            "shared: turns interleaved": list(engine.order) != sorted(engine.order),
        }
        found |= {name for name, holds in tests.items() if holds}
    return found


def _branch_features(case: Case) -> set[str]:
    graph, edges = case.graph, case.schedule.edges
    read = {name for op in graph.operators for name in op.inputs}
    pipes = [plan for plan in case.schedule.plans if isinstance(plan, PipePlan)]
    tests = {
        "fork": any(edge.queue_bits is not None for edge in edges),
        "tensor read twice by one operator": any(len(set(op.inputs)) < len(op.inputs) for op in graph.operators),
        "several outputs": len(graph.outputs) > 1,
        "output that is read too": any(name in read for name in graph.outputs),
        "several inputs": len(graph.inputs) > 1,
        "serializer": any(edge.serializer is not None for edge in edges),
        "queue above 2 beats": any((edge.queue_bits or 0) > 1 for edge in edges),
        "sum over the whole image": any(plan.kind == "mean" for plan in pipes),
        "pipe of several phases": any(plan.period > 1 for plan in pipes),
    }
    return {name for name, holds in tests.items() if holds}


def _clip_features(op: IntegerOperator, result: Tensor) -> set[str]:
    rule = getattr(op, "requantize", None)
    if rule is None or isinstance(op, IntegerTable) or rule.clip(result.format) is None:
        return set()
    found = {"clip at one end"} if (rule.low is None) != (rule.high is None) else {"clip"}
    weighted = isinstance(op, IntegerConvolution | IntegerAffine)
    return found | (set() if weighted else {"clip of sums and products"})


def _operator_features(op: IntegerOperator, source: Tensor, result: Tensor) -> set[str]:
    if isinstance(op, IntegerSumPooling):
        found = {f"sum: {'odd' if divisor % 2 else 'even'} divisor" for divisor in op.divisor}
        found |= {"sum: negative totals"} if source.format.signed else set()
        found |= {"sum: divisors by pixel"} if len(set(op.divisor)) > 1 else set()
        return found | {f"sum rounding: {op.requantize.rounding}"}
    if isinstance(op, IntegerScale):
        found = {"scale: own negative factor"} if op.negative_scale is not None else set()
        return found | ({"scale: shifts per channel"} if len(set(op.requantize.shift)) > 1 else set())
    if isinstance(op, IntegerPad):
        return {f"pad: {op.mode}"} | ({"pad: value"} if op.value else set())
    if isinstance(op, IntegerUpsample):
        return {"upsample: zeros" if op.zeros else "upsample: copies"}
    if isinstance(op, IntegerSlice):
        found = {"slice: pixels"} if source.shape[:2] != result.shape[:2] else set()
        return found | ({"slice: channels"} if source.shape[2] != result.shape[2] else set())
    if isinstance(op, IntegerTranspose):
        return {f"transpose: channels {'stay' if op.axes[2] == 2 else 'move'}"}
    return set()


def _format_features(fmt: Format) -> set[str]:
    bits = "1 bit" if fmt.width == 1 else "2 to 7 bits" if fmt.width < 8 else "8 bits" if fmt.width == 8 else "9 to 16"
    return {f"elements: {bits if fmt.width <= 16 else 'wider'}"}


def _sum_features(op: IntegerConvolution | IntegerAffine, result: Format) -> set[str]:
    found = {"weights: " + ("8 bits" if op.weight_format.width == 8 else "other widths")}
    rule = op.requantize
    if rule is None:
        return found | {"accumulator as output"}
    found.add(f"rounding: {rule.rounding}")
    found.add("shift 0" if max(rule.shift) == 0 else "shifts per channel" if len(set(rule.shift)) > 1 else "one shift")
    if rule.relu:
        found.add("fused relu")
    found.add("unsigned result" if not result.signed else "narrow result" if result.narrow else "signed result")
    return found


def _window_features(plan: WindowPlan, pooling: bool) -> set[str]:
    kernel, stride, padding, fold = plan.kernel, plan.stride, plan.padding, plan.fold
    tests = {
        "1x1 image": plan.image[:2] == (1, 1),
        "one-pixel rows": plan.image[1] == 1 and plan.image[0] > 1,
        "one row": plan.image[0] == 1 and plan.image[1] > 1,
        "even kernel": any(size % 2 == 0 for size in kernel),
        "kernel not square": kernel[0] != kernel[1],
        "padding": any(padding) and not pooling,
        "pooling with padding": any(padding) and pooling,
        "unequal padding": padding[0] != padding[1] or padding[2] != padding[3],
        "window in the padding": 0 in (*plan.walk.rows_inside, *plan.walk.columns_inside),
        "stride over kernel": stride[0] > kernel[0] or stride[1] > kernel[1],
        "dilation": plan.dilation != (1, 1),
        "several tap lanes": fold.taps > 1,
        "several channel lanes": fold.channels > 1,
        "several output lanes": fold.outputs > 1,
        "tap lanes that do not divide": (kernel[0] * kernel[1]) % fold.taps != 0,
        "results in several beats": plan.serial,
        "several channel groups in a word": plan.selects > 1,
        "adder tree": plan.levels > 0,
        "line buffer below a frame": plan.capacity < plan.frame_words,
    }
    return {name for name, holds in tests.items() if holds}
