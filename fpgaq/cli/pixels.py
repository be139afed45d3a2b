"""The options of several pixels a beat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import click

from .parameters import Option

if TYPE_CHECKING:
    from ..hardware.schedule import Target


@dataclass(frozen=True, kw_only=True)
class PixelOptions:
    """How many pixels a beat carries at the ports."""

    pixels: Annotated[
        int | None,
        Option("Take N pixels a beat, with all of their channels.  [default: 1]", metavar="N", kind=click.IntRange(1)),
    ] = None
    output_pixels: Annotated[
        int | None,
        Option("Give N pixels a beat, with all of their channels.  [default: 1]", metavar="N", kind=click.IntRange(1)),
    ] = None

    @property
    def given(self) -> bool:
        """Whether a beat carries several."""
        return (self.pixels or 1) > 1 or (self.output_pixels or 1) > 1

    def target(self, target: Target | None) -> Target | None:
        """The target with these pixels a beat; a target of default size where none was named."""
        from ..hardware.schedule import Target
        from ..pipeline import DEFAULT_MULTIPLIERS

        if not self.given:
            return target
        wanted = target or Target(multipliers=DEFAULT_MULTIPLIERS)
        return replace(wanted, pixels=self.pixels or 1, output_pixels=self.output_pixels or 1)
