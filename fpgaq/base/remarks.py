"""What a stage has to say beside its result: decisions that it took on its own, and doubts.

They are Python warnings of two classes, so that a program can filter them; the command line prints each in one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class FpgaqRemark(UserWarning):
    """What a user should read beside a result; `label` begins its line."""

    label = "note"


class FpgaqNote(FpgaqRemark):
    """A decision that was taken without asking."""


class FpgaqWarning(FpgaqRemark):
    """A result that is probably not what was wanted."""

    label = "warning"


def note(text: str) -> None:
    """Tell of a decision that was taken without asking."""
    warnings.warn(text, FpgaqNote, stacklevel=3)


def warn(text: str) -> None:
    """Tell of a result that is probably not what was wanted."""
    warnings.warn(text, FpgaqWarning, stacklevel=3)


@contextmanager
def heard(listener: Callable[[str, str], None]) -> Iterator[None]:
    """Hand every remark to `listener`, its label and its text, in place of Python's way with warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", FpgaqRemark)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, FpgaqRemark):
                listener(category.label, str(message))
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield
