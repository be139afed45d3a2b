"""A small perceptron trained here: 16 features of scikit-learn's digits (2x2 block sums), 16-64-32-32-10, in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZES = (16, 64, 32, 32, 10)
DIGITS = Path(__file__).parents[1] / "examples" / "digits.npz"


def load_features() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and test features, (samples, 16) of bytes from 0 to 255, and labels."""
    with np.load(DIGITS) as data:
        images, labels = data[data.files[0]], data[data.files[1]]
    blocks = images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, 16)
    features = np.minimum(blocks.astype(np.int64) * 4, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(features))
    test, train = order[:500], order[500:]
    return features[train], labels[train], features[test], labels[test]


def train(epochs: int = 150, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights (outputs, inputs), for inputs in bytes, and biases; Adam, a rate that falls along a cosine."""
    x, labels, _, _ = load_features()
    inputs, targets = x / 255.0, np.eye(SIZES[-1])[labels.astype(int)]
    chance = np.random.default_rng(seed)
    layers = list(zip(SIZES, SIZES[1:], strict=False))
    parameters = [chance.normal(0, np.sqrt(2 / a), (b, a)) for a, b in layers] + [np.zeros(b) for _, b in layers]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    count, step, batch = len(layers), 0, 32
    total = epochs * (len(x) // batch)
    for _ in range(epochs):
        order = chance.permutation(len(x))
        for start in range(0, len(x) - batch + 1, batch):
            chosen = order[start : start + batch]
            step += 1
            gradients = _gradients(parameters, count, inputs[chosen], targets[chosen])
            rate = 0.003 * 0.5 * (1 + np.cos(np.pi * step / total))
            for index, gradient in enumerate(gradients):
                gradient = gradient + 1e-4 * parameters[index]
                first[index] = 0.9 * first[index] + 0.1 * gradient
                second[index] = 0.999 * second[index] + 0.001 * gradient**2
                mean, square = first[index] / (1 - 0.9**step), second[index] / (1 - 0.999**step)
                parameters[index] = parameters[index] - rate * mean / (np.sqrt(square) + 1e-8)
    weights, biases = parameters[:count], parameters[count:]
    return [weights[0] / 255.0, *weights[1:]], biases


def _gradients(parameters: list[np.ndarray], count: int, inputs: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Gradients of the cross entropy, weights first, then biases."""
    values = [inputs]
    for index in range(count):
        total = values[-1] @ parameters[index].T + parameters[count + index]
        values.append(np.maximum(total, 0) if index + 1 < count else total)
    shifted = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
    slope = (shifted / shifted.sum(axis=1, keepdims=True) - targets) / len(inputs)
    weights, biases = [], []
    for index in reversed(range(count)):
        weights.insert(0, slope.T @ values[index])
        biases.insert(0, slope.sum(axis=0))
        slope = (slope @ parameters[index]) * (values[index] > 0)
    return weights + biases
