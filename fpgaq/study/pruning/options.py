"""The options of `fpgaq prune`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...base.choices import Measure
from ...base.errors import UsageError
from .masks import Limits
from .measures import MEASURES


@dataclass(frozen=True)
class PruneOptions:
    """The options of a pruning.

    Parameters
    ----------
    macs, rom_bits, cycles : float, optional
        Limits: up to 1 a share of what the network takes, above that a number. At least one is set.
    multipliers : int
        Multipliers of the schedules whose cycles count.
    measure : str
        One of `MEASURES`.
    limits : Limits
    jobs : int or None
        Processes that measure harm.
    epochs : float
        Epochs of training after the cut, with nnabla; 0 for none.
    rate : float
        Learning rate of that training, at its start.
    trials : int
        How many choices of least harm to try. The network with the least cross entropy is taken, after a short training
        and on a tenth of the training samples that it did not see. Harm is measured without training, and
        misjudges what training mends.
    trial_epochs : float
        Epochs of each short training.
    refit : bool
        Fit the layers after the cut to the outputs of the whole network, on the training or calibration samples.
    """

    macs: float | None = None
    rom_bits: float | None = None
    cycles: float | None = None
    multipliers: int = 64
    measure: Measure = "surgeon"
    limits: Limits = field(default_factory=Limits)
    jobs: int | None = 1
    epochs: float = 0.0
    rate: float = 3e-3
    trials: int = 1
    trial_epochs: float = 4.0
    refit: bool = True

    def __post_init__(self) -> None:
        for name in ("macs", "rom_bits", "cycles"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"a budget of {value:g}; give a share up to 1, or a number above")
        if self.macs is None and self.rom_bits is None and self.cycles is None:
            raise UsageError("no budget is set; name multiplications, ROM bits or cycles")
        if self.measure not in MEASURES:
            raise UsageError(f"measure {self.measure!r} is unknown; choose one of {', '.join(MEASURES)}")
        if self.multipliers < 1:
            raise UsageError(f"{self.multipliers} multipliers; at least 1 is needed")
        if not 0 <= self.epochs < float("inf"):
            raise UsageError(f"{self.epochs:g} epochs; 0 or more are needed")
        if self.trials < 1 or not 0 < self.trial_epochs < float("inf"):
            raise UsageError(
                f"{self.trials} trials of {self.trial_epochs:g} epochs; at least one of some length is needed"
            )
