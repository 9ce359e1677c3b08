"""The HUD's letters: every one there, told apart, sharp, and bars that fill."""

import string

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sinks.lettering import BAR, BLANK, CODES, COUNT, EIGHTHS, RULE, UNKNOWN, atlas, encode

CELLS = [(6, 12), (8, 16), (12, 24), (24, 48)]


def letters(cell: tuple[int, int]) -> NDArray[np.uint8]:
    """(COUNT, height, width)"""
    width, height = cell
    return atlas(cell).reshape(height, COUNT, width).swapaxes(0, 1)


@pytest.mark.parametrize("cell", CELLS)
def test_no_two_letters_look_alike_and_none_touches_its_neighbours(cell: tuple[int, int]) -> None:
    cut = letters(cell)[: len(CODES)]
    assert len({letter.tobytes() for letter in cut}) == len(CODES)
    assert not cut[:, :, -1].any()
    assert not cut[:, 0].any()
    assert not cut[:, -1].any()


@pytest.mark.parametrize("cell", CELLS)
def test_capitals_and_figures_stand_on_one_line_and_are_as_high(cell: tuple[int, int]) -> None:
    cut = letters(cell)
    rows = {
        tuple(np.flatnonzero(cut[CODES[letter]].max(axis=1) > 127)[[0, -1]])
        for letter in string.ascii_uppercase + string.digits
        if letter != "Q"  # it has a tail
    }
    assert len(rows) == 1


def test_stems_are_whole_pixels_at_720p() -> None:
    cut = letters((8, 16))
    for letter in "EFHILT":
        assert set(np.unique(cut[CODES[letter]])) == {0, 255}


def test_all_of_ascii_has_a_shape_accents_are_left_out_and_others_are_a_box() -> None:
    assert set(string.printable) - set("\t\n\r\x0b\x0c") <= set(CODES)
    assert list(encode("Ä→…")) == [CODES["A"], CODES["→"], CODES["…"]]
    assert list(encode("日\t")) == [UNKNOWN, UNKNOWN]
    assert not letters((8, 16))[BLANK].any()


def test_bars_fill_by_eighths_over_their_track() -> None:
    cut = letters((8, 16))
    for eighths in range(EIGHTHS + 1):
        line = cut[BAR + eighths][8]
        assert list(line) == [255] * eighths + [51] * (8 - eighths)
    assert np.flatnonzero(cut[BAR].max(axis=1)).tolist() == list(range(4, 12))
    assert np.flatnonzero(cut[RULE].max(axis=1)).tolist() in ([7], [7, 8], [8])
