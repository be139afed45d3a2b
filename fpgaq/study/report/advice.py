"""What to try next, from the facts of a report: each a sentence and, where there is one, a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...base.text import percent, printable

LOSS = 0.01
"""Accuracy below that of the float network from which on it is worth a search."""
NO_LOSS = 0.002
SATURATED = 0.05
UNUSED_BITS = 4
WEAK = 20.0
"""Signal to noise in dB below which a layer is named."""
EFFICIENT = 0.7
EIGHT_BITS = 8


def advise(report: Mapping[str, Any]) -> Iterator[str]:
    """Sentences, the most urgent first, from the plain values of a report."""
    yield from _proof(report["verification"])
    yield from _accuracy(report)
    yield from _speed(report["hardware"])


def _proof(verification: Mapping[str, Any]) -> Iterator[str]:
    state = verification["state"]
    if state == "changed":
        yield "Generate the folder anew, or put the changed file back: nothing that was simulated holds for it."
    elif state == "different":
        yield "See the first layer that differs, at the cycle that is named: fpgaq simulate DIR --waves waves.fst."
    elif state == "unverified":
        yield "Simulate the hardware: fpgaq simulate DIR."
    elif verification["unexercised"]:
        yield "Let the frames exercise every weight: fpgaq simulate DIR --thorough."


def _accuracy(report: Mapping[str, Any]) -> Iterator[str]:
    compared, layers = report["accuracy"], report["layers"]
    if compared is None:
        yield "See what the integers cost: fpgaq report DIR --model MODEL --test NPZ."
        return
    weakest = min((layer for layer in layers if layer["signal_to_noise"] is not None),
                  key=lambda layer: layer["signal_to_noise"], default=None)  # fmt: skip
    if weakest is not None and weakest["signal_to_noise"] < WEAK:
        yield (
            f"Give more bits to layer {printable(weakest['name'])}, whose signal is the closest to its noise"
            f" ({weakest['signal_to_noise']:.1f} dB): fpgaq sensitivity MODEL names the remedy."
        )
    name, before, after = _score(compared)
    if before is not None and after is not None:
        if before - after > LOSS:
            lost = percent(before - after)
            yield f"The integers lose {lost} of {name}: fpgaq search MODEL finds bits for each layer."
        elif before - after <= NO_LOSS and report["origin"]["quantizer"].get("weight_bits") == EIGHT_BITS:
            yield "Nothing was lost: try --weight-bits 6 or 4, which take less memory and logic (fpgaq explore MODEL)."
    for layer in layers:
        facts = layer["activations"]
        if facts is not None and facts["saturation"] > SATURATED:
            share = percent(facts["saturation"])
            yield f"{share} of the values of layer {printable(layer['name'])} saturate: try --activation-range max."
            break


def _score(compared: Mapping[str, Any]) -> tuple[str, float | None, float | None]:
    """The first share of right answers that there is, of both networks: top-1, F1 and the like."""
    shares = [each for output in compared["metrics"] for each in output["figures"] if each["share"]]
    if compared["float_top1"] is not None or not shares:
        return "top-1", compared["float_top1"], compared["integer_top1"]
    return shares[0]["name"], shares[0]["float_value"], shares[0]["integer_value"]


def _speed(hardware: Mapping[str, Any] | None) -> Iterator[str]:
    if hardware is None:
        return
    slowest = hardware["bottleneck"]
    if slowest is not None and slowest["multipliers"]:
        yield (
            f"Layer {printable(slowest['name'])} sets the pace: more --multipliers speed it up"
            f" ({hardware['multipliers']} are used of {hardware['budget']})."
        )
    elif slowest is not None:
        yield f"Layer {printable(slowest['name'])} sets the pace without multipliers: more of them would change little."
    if hardware["resources"] is None:
        yield "See whether it fits: fpgaq synth DIR --device ecp5-25k, or generate with --device for an estimate."
    elif hardware["resources"]["source"] == "estimated":
        yield "The resources are estimated: fpgaq synth DIR measures them, and the clock."
