"""The walk over the line buffer against its definition, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fpgaq.hardware.schedule.walk import least_words, make_walk, window_needs
from fpgaq.model.graph import window_count


@dataclass(frozen=True)
class Geometry:
    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    words: int

    @property
    def output(self) -> tuple[int, int]:
        before = (self.padding[0], self.padding[2])
        after = (self.padding[1], self.padding[3])
        return tuple(  # type: ignore[return-value]
            window_count(self.image[axis], self.kernel[axis], self.stride[axis], self.dilation[axis], before[axis],
                         after[axis]) for axis in (0, 1)
        )  # fmt: skip

    def pixels(self, row: int, column: int) -> list[tuple[int, int]]:
        """The real pixels that a window reads."""
        taps = [
            (
                row * self.stride[0] + y * self.dilation[0] - self.padding[0],
                column * self.stride[1] + x * self.dilation[1] - self.padding[2],
            )
            for y in range(self.kernel[0])
            for x in range(self.kernel[1])
        ]
        return [(y, x) for y, x in taps if 0 <= y < self.image[0] and 0 <= x < self.image[1]]


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


GEOMETRIES = st.builds(
    Geometry,
    image=pairs(1, 9),
    kernel=pairs(1, 4),
    stride=pairs(1, 5),
    dilation=pairs(1, 3),
    padding=st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.integers(0, 5)] * 4)),
    words=st.integers(1, 3),
)


def walk_of(geometry: Geometry):
    rows, columns = geometry.output
    assume(rows > 0 and columns > 0)
    return make_walk(
        (*geometry.image, 1), (rows, columns, 1), geometry.kernel, geometry.stride, geometry.dilation,
        geometry.padding, geometry.words,
    )  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(GEOMETRIES)
def test_needs(geometry: Geometry) -> None:
    """A window waits for its last real pixel, and for no more if it and all before have real ones."""
    walk = walk_of(geometry)
    rows, columns = geometry.output
    needs = window_needs(walk)
    assert list(needs) == sorted(needs) and needs[0] >= 1
    assert needs[-1] <= geometry.image[0] * geometry.image[1] * geometry.words
    reached, exact = 0, True
    for index, need in enumerate(needs):
        pixels = geometry.pixels(*divmod(index, columns))
        exact &= bool(pixels)
        if pixels:
            y, x = max(pixels)
            reached = max(reached, (y * geometry.image[1] + x + 1) * geometry.words)
        assert need >= reached
        assert need == reached or not exact
    assert len(needs) == rows * columns


@settings(max_examples=300, deadline=None, derandomize=True)
@given(GEOMETRIES)
def test_releases(geometry: Geometry) -> None:
    """Pixels that a row of windows frees are read by no later row; without padding none is kept for long."""
    walk = walk_of(geometry)
    rows, columns = geometry.output
    row_words = geometry.image[1] * geometry.words
    freed = 0
    for row, release in enumerate(walk.release):
        freed += release
        later = [y for r in range(row + 1, rows) for c in range(columns) for y, _ in geometry.pixels(r, c)]
        assert release >= 0 and freed % row_words == 0
        if later:
            assert freed // row_words <= min(later)
            assert any(geometry.padding) or freed // row_words == min(later)
    assert freed == geometry.image[0] * row_words


@settings(max_examples=200, deadline=None, derandomize=True)
@given(GEOMETRIES)
def test_addresses_and_masks(geometry: Geometry) -> None:
    walk = walk_of(geometry)
    rows, columns = geometry.output
    row_words = geometry.image[1] * geometry.words
    address = walk.base_start
    for frame in range(2):
        for row in range(rows):
            for column in range(columns):
                y = row * geometry.stride[0] - geometry.padding[0]
                x = column * geometry.stride[1] - geometry.padding[2]
                assert address == (frame * geometry.image[0] + y) * row_words + x * geometry.words
                last = column == columns - 1
                address += walk.base_row[row] if last else walk.base_column[column]
                inside = {
                    (tap_y, tap_x)
                    for tap_y in range(geometry.kernel[0])
                    for tap_x in range(geometry.kernel[1])
                    if walk.rows_inside[row] >> tap_y & 1 and walk.columns_inside[column] >> tap_x & 1
                }
                assert len(inside) == len(geometry.pixels(row, column))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(GEOMETRIES)
def test_least_words_is_the_widest_span(geometry: Geometry) -> None:
    """The words between the last that a window waits for and the first that is not yet free."""
    walk = walk_of(geometry)
    columns = geometry.output[1]
    spans = [need - sum(walk.release[: index // columns]) for index, need in enumerate(window_needs(walk))]
    assert least_words(walk) == max(1, *spans)
