"""Steps that count."""

from __future__ import annotations

import pytest

from fpgaq.base.progress import Step, count_of, counter, name_of, within


def test_a_step_is_its_text_and_knows_its_count() -> None:
    step = Step("placing on ecp5: seeds", 2, 1_500, " of 3, now 37 of 40", about=True)
    assert step == "placing on ecp5: seeds: 2 of about 1,500 of 3, now 37 of 40"
    assert (name_of(step), count_of(step)) == ("placing on ecp5: seeds", (2, 1_500))


@pytest.mark.parametrize("text", ["placing: 2 of 5", Step("a", 3, 2, about=True), Step("a", 0, 0), Step("a", -1, 2)])
def test_no_count_is_read_out_of_words_or_of_guesses_that_were_passed(text: str) -> None:
    assert count_of(text) is None


def test_a_step_within_another_keeps_count_and_rest() -> None:
    told: list[str] = []
    tell = within("trial 1 of 3", told.append)
    tell(Step("training: step", 20, 400, ", loss 0.3"))
    tell("cross entropy 0.2")
    counter(told.append, "measuring")(1, 4)
    assert told == [
        "trial 1 of 3: training: step: 20 of 400, loss 0.3",
        "trial 1 of 3: cross entropy 0.2",
        "measuring: 1 of 4",
    ]
    assert [count_of(text) for text in told] == [(20, 400), None, (1, 4)]
    assert name_of(told[0]) == "trial 1 of 3: training: step"
