# %% [markdown]
# # From a trained model to a simulated core
#
# A small network for handwritten digits of 8x8 pixels, trained with nnabla, becomes 8-bit integers and then Verilog
# that Icarus simulates, every beat compared by `==`. It needs `pip install 'fpgaq[plot]'` and Icarus Verilog.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import fpgaq
from fpgaq.hardware.schedule import plan_hardware

example = Path("../digits_cnn")
graph = fpgaq.load_model(example / "model.nnp")
graph

# %% [markdown]
# ## Integers
#
# Calibration samples are training images in the model's own units. Each tensor gets a format: `u8.6` is an unsigned
# integer of 8 bits times 2^-6.

# %%
network = fpgaq.quantize(graph, example / "calibration.npz")
network

# %% [markdown]
# On 500 test images that neither training nor calibration has seen:

# %%
comparison = fpgaq.compare(graph, network, example / "test.npz")
print(f"right answers: float {comparison.float_top1:.1%}, integer {comparison.integer_top1:.1%}")
print(f"the same answer: {comparison.agreement:.1%}")
assert comparison.agreement > 0.98

# %% [markdown]
# The signal-to-noise ratio of each layer's output, compared with the float network. 40 dB are a noise of a hundredth of
# the values.

# %%
layers = [layer for layer in comparison.to_dict()["layers"] if layer["signal_to_noise"] is not None]
figure, axes = plt.subplots(figsize=(7, 2.5))
axes.barh([layer["layer"] for layer in layers], [layer["signal_to_noise"] for layer in layers])
axes.invert_yaxis()
axes.set_xlabel("signal to noise, dB")
figure.tight_layout()

# %% [markdown]
# An integer network is an ordinary function. These are the images on which it is wrong, with its answer and the label.

# %%
test = np.load(example / "test.npz")
answers = network(test["x"]).argmax(axis=1)
wrong = np.flatnonzero(answers != test["y"])
figure, row = plt.subplots(1, 8, figsize=(9, 1.6))
for place, index in zip(row, wrong[:8], strict=False):
    place.imshow(test["x"][index, 0], cmap="gray_r")
    place.set_title(f"{answers[index]} ({test['y'][index]})")
for place in row:
    place.axis("off")

# %% [markdown]
# ## Weights
#
# What the first layer's integers are, and how much of their range they use.

# %%
first = network.operators[0]
figure, axes = plt.subplots(figsize=(7, 2.5))
axes.hist(first.weight.ravel(), bins=np.arange(-128, 129, 4))
axes.set_xlim(-128, 127)
axes.set_xlabel(f"integers of the {first.weight.size} weights of {first.name}")
figure.tight_layout()

# %% [markdown]
# ## Verilog, and the proof
#
# Sixty-four multipliers, the default; how many cycles a frame takes is predicted before anything is simulated.

# %%
folder = Path(tempfile.mkdtemp()) / "hardware"
made = fpgaq.generate(network, folder, fpgaq.Target(multipliers=64))
made

# %% [markdown]
# How a frame is divided among the multipliers: the fewer of them, the more cycles. Schedules need no folder.

# %%
budgets = (2, 4, 8, 16, 32, 64)
cycles = [plan_hardware(network, fpgaq.Target(multipliers=budget))[1].prediction.interval for budget in budgets]
figure, axes = plt.subplots(figsize=(7, 2.5))
axes.loglog(budgets, cycles, marker="o")
axes.set_xticks(budgets, budgets)
axes.set_yticks(cycles, [f"{number:,}" for number in cycles])
axes.minorticks_off()
axes.set_xlabel("multipliers")
axes.set_ylabel("cycles a frame")
figure.tight_layout()

# %%
result = fpgaq.simulate(folder, frames=1)
print(result)
assert result.mismatches == 0
assert result.interval_cycles == made.schedule.prediction.interval
