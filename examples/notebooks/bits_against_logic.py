# %% [markdown]
# # Bits against logic
#
# What fewer bits and more multipliers buy in cycles, logic, memory and accuracy, on a small part (ECP5-25k). Cycles are
# those of real schedules; logic and memory are estimates with a known error; accuracy is measured. It needs
# `pip install 'fpgaq[plot]'`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import fpgaq

example = Path("../digits_cnn")
graph = fpgaq.load_model(example / "model.nnp")
explored = fpgaq.explore(
    {"digits": graph},
    example / "calibration.npz",
    device="ecp5-25k",
    bits=(8, 6, 4, 3, 2),
    multipliers=(1, 4, 16, 64),
)
explored

# %% [markdown]
# A point is on the front if no other one that fits the part equals or beats it in everything.

# %%
points = explored.to_dict()["points"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), sharex=True)
for bits in (8, 6, 4, 3, 2):
    of_width = [point for point in points if point["bits"] == bits]
    cycles = [point["cycles"] for point in of_width]
    left.loglog(cycles, [point["lut"] for point in of_width], marker="o", label=f"{bits} bits")
    right.semilogx(cycles, [100 * point["quality"]["agreement"] for point in of_width], marker="o")
left.set_ylabel("LUTs, estimated")
right.set_ylabel("agreement with float, %")
for axes in (left, right):
    axes.set_xlabel("cycles a frame")
    axes.set_xticks(cycles, [f"{number:,.0f}" for number in cycles])
    axes.minorticks_off()
left.legend()
figure.tight_layout()
assert any(point["front"] for point in points)

# %% [markdown]
# How far to trust the estimates: the error of networks that the fit had not seen.

# %%
errors = explored.to_dict()["known"]["errors"]
for name, error in errors.items():
    print(f"{name}: median {error['median']:.1%}, 19 of 20 networks within {error['percentile95']:.1%}")

# %% [markdown]
# ## Which layer hurts
#
# Each layer's weights and output are quantized alone, at four bits; the table says how much of the noise is theirs.

# %%
fpgaq.sensitivity(graph, example / "calibration.npz", options=fpgaq.QuantizeOptions(weight_bits=4))

# %% [markdown]
# ## Bits for each layer, within a budget
#
# Half of the ROM that 8-bit weights take:

# %%
found = fpgaq.search(graph, example / "calibration.npz", budget="50%", widths=(2, 3, 4, 6, 8))
found
