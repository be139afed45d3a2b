"""ONNX Einsum of a tensor and a constant, or of two tensors element by element: matrix products by another name."""

from __future__ import annotations

import math
import re

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, AveragePooling, Multiply
from .arithmetic import broadcast
from .builder import Call, Tensor
from .constant_operands import combined
from .moves import permuted, picked
from .pools import reduced_along

REMEDY = "use a matrix product (x @ W) or a convolution of one pixel, or end the model before it (--outputs NAME)"


def einsum(call: Call) -> None:
    """Einsum whose first letter is the batch, with a constant or with a tensor of the same letters."""
    call.count(1, 2)
    equation = call.attributes.text("equation", "").replace(" ", "")
    match = re.fullmatch(r"([a-zA-Z]+)(?:,([a-zA-Z]+))?->([a-zA-Z]*)", equation)
    if match is None or any(len(set(term)) != len(term) for term in match.groups() if term):
        raise UnsupportedError(
            f"{call.where}: equation {equation!r}; supported: letters that stand once in each term, and '->'; {REMEDY}"
        )
    terms, output = [term for term in match.groups()[:2] if term], match.group(3)
    if len(terms) != len(call.node.inputs):
        raise ModelError(
            f"{call.where}: equation {equation!r} has {len(terms)} terms for {len(call.node.inputs)} inputs"
        )
    computed = [index for index in range(len(terms)) if not call.is_constant(index)]
    first = terms[computed[0]]
    if not output or any(terms[index][0] != output[0] for index in computed):
        raise UnsupportedError(f"{call.where}: equation {equation!r}; supported: the batch in front; {REMEDY}")
    tensor, letters = _placed(call, computed[0], first), first[1:]
    if len(terms) == 2 and len(computed) == 2:
        tensor, letters = _of_tensors(call, tensor, letters, terms[computed[1]][1:], output[1:])
    elif len(terms) == 2:
        tensor, letters = _with_constant(call, tensor, letters, terms[1 - computed[0]], output)
    dropped = {letters.index(letter) for letter in letters if letter not in output}
    if dropped:
        tensor = reduced_along(call, tensor, dropped, AveragePooling, sum_only=True)
        kept = [axis for axis in range(len(letters)) if axis not in dropped]
        tensor, letters = (
            call.view(tensor, tuple(tensor.shape[axis] for axis in kept)),
            "".join(letters[axis] for axis in kept),
        )
    if sorted(letters) != sorted(output[1:]):
        raise UnsupportedError(f"{call.where}: equation {equation!r}; supported: known letters in the output; {REMEDY}")
    result = permuted(call, tensor, [letters.index(letter) for letter in output[1:]])
    call.reshape(result, result.shape)


def _placed(call: Call, index: int, term: str) -> Tensor:
    tensor = call.tensor(index)
    if len(term) != len(tensor.shape) + 1:
        raise ModelError(f"{call.where}: {term!r} for (batch, *{tensor.shape})")
    return tensor


def _of_tensors(call: Call, left: Tensor, letters: str, others: str, output: str) -> tuple[Tensor, str]:
    """The product of two tensors element by element, where one has all letters of the other."""
    right = _placed(call, 1, f"?{others}")
    if not set(others) <= set(letters):
        left, right, letters, others = right, left, others, letters
    if not set(others) <= set(letters):
        raise UnsupportedError(
            f"{call.where}: a matrix product of two computed tensors, as in attention; supported: constant weights;"
            f" {REMEDY}"
        )
    order = [others.index(letter) for letter in letters if letter in others]
    right = permuted(call, right, order)
    sizes = iter(right.shape)
    right = call.view(right, tuple(next(sizes) if letter in others else 1 for letter in letters))
    left, right = broadcast(call, left, right)
    return call.emit(Multiply, (left, right), left.shape, -1), letters


def _with_constant(call: Call, tensor: Tensor, letters: str, term: str, output: str) -> tuple[Tensor, str]:
    """A tensor and a constant: factors where they share what stays, a matrix product where they share what goes."""
    index = 0 if call.is_constant(0) else 1
    array: Array = call.parameter(index)
    if len(term) != array.ndim:
        raise ModelError(f"{call.where}: {term!r} for a constant of shape {array.shape}")
    # Letters of the constant alone that do not stay are summed up.
    lonely = tuple(axis for axis, letter in enumerate(term) if letter not in letters and letter not in output)
    array, term = array.sum(axis=lonely), "".join(letter for axis, letter in enumerate(term) if axis not in lonely)
    summed = [letter for letter in letters if letter in term and letter not in output]
    shared = [letter for letter in letters if letter in term and letter in output]
    fresh = [letter for letter in term if letter not in letters]
    if output[0] in term or (shared and (summed or fresh)):
        raise UnsupportedError(
            f"{call.where}: a matrix for each {', '.join(shared) or 'sample'}; supported: one matrix, or factors;"
            f" {REMEDY}"
        )
    if shared:
        factors = array.transpose([term.index(letter) for letter in shared])
        sizes = iter(factors.shape)
        wide = factors.reshape([next(sizes) if letter in shared else 1 for letter in letters])
        return combined(call, "Mul", tensor, index, wide, -1), letters
    rest = [letter for letter in letters if letter not in summed]
    moved = permuted(call, tensor, [letters.index(letter) for letter in (*rest, *summed)])
    sizes_of = dict(zip((*rest, *summed), moved.shape, strict=True))
    inner = math.prod(sizes_of[letter] for letter in summed)
    flat = call.view(moved, (*moved.shape[: len(rest)], inner))
    matrix = np.ascontiguousarray(array.transpose([term.index(letter) for letter in (*fresh, *summed)]))
    new = matrix.shape[: len(fresh)]
    if matrix.size != math.prod(new) * inner:
        raise ModelError(f"{call.where}: a constant of shape {array.shape} does not fit (batch, *{tensor.shape})")
    result = picked(call, flat, len(rest), matrix.reshape(math.prod(new), inner))
    return call.view(result, (*flat.shape[:-1], *new)), "".join((*rest, *fresh))
