"""How far a long command is: a step, and how many of how many of it are done."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]
"""Takes what is done now: a text, or a `Step`."""


class Step(str):
    """What is done now, as text that knows its count.

    It is its own text, such as "placing: 2 of 5 seeds", so that any callable of one text, `print` included, can be
    told of it. What draws a bar reads `name`, `done` and `total`, never the text.

    Parameters
    ----------
    name : str
        What stays the same while the step goes on.
    done, total : int
        How many of how many.
    rest : str
        What follows the count in the text: its unit, or more about it.
    about : bool
        Whether `total` is a guess, which `done` may pass.
    """

    name: str
    done: int
    total: int
    rest: str

    def __new__(cls, name: str, done: int, total: int, rest: str = "", about: bool = False) -> Step:
        """Write the text."""
        step = super().__new__(cls, f"{name}: {done:,} of {'about ' * about}{total:,}{rest}")
        step.name, step.done, step.total, step.rest = name, done, total, rest
        return step


def name_of(text: str) -> str:
    """The name of a step, or a text that is its own name."""
    return text.name if isinstance(text, Step) else text


def count_of(text: str) -> tuple[int, int] | None:
    """What is done and the total of a step; None where nothing is counted, or more is done than was guessed."""
    return (text.done, text.total) if isinstance(text, Step) and 0 <= text.done <= text.total > 0 else None


def within(outer: str, progress: Progress) -> Progress:
    """A callable that tells steps as parts of another one."""

    def tell(text: str) -> None:
        if isinstance(text, Step):
            progress(Step(f"{outer}: {text.name}", text.done, text.total, text.rest))
        else:
            progress(f"{outer}: {text}")

    return tell


def counter(progress: Progress, name: str) -> Callable[[int, int], None]:
    """A callable of how many are done of how many, which tells them as a step."""
    return lambda done, total: progress(Step(name, done, total))
