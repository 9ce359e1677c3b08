"""Decoding: everybody at once where there is time, in turn where there is not, and nothing twice."""

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from engine.decoding import AT_ONCE, Decoding


class Decoder:
    """Decodes a latent's first number into the level of an image of 3x2; takes a second an image by its own clock."""

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: list[list[float]] = []

    def __call__(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        self.calls.append(latents[:, 0].tolist())
        self.time += len(latents)
        return np.broadcast_to(latents[:, :1, None], (len(latents), 2, 3)).astype(np.uint8)

    def taken(self) -> list[list[float]]:
        calls, self.calls = self.calls, []
        return calls


def company(*levels: float) -> NDArray[np.float32]:
    return np.array(levels, np.float32)[:, None]


def moving(dancers: int) -> Iterator[NDArray[np.float32]]:
    """Latents of dancers who never stand still: ten levels apart, one more every frame."""
    for frame in range(1000):
        yield 10 * np.arange(dancers, dtype=np.float32)[:, None] + frame % 10


def test_without_a_budget_everyone_is_decoded_in_every_frame() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255)
    for latents in list(moving(4))[:5]:
        decoding.advance(latents)
        assert (decoding.images[:, 0, 0] == latents[:, 0]).all()
        assert decoding.fresh.all()
    assert decoding.images.shape == (4, 2, 3)


def test_with_a_budget_the_leader_is_decoded_always_and_the_others_in_turn() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 4.5, now=lambda: decoder.time)
    turns = []
    for latents in list(moving(7))[:7]:
        decoding.advance(latents)
        turns.append(np.flatnonzero(decoding.fresh).tolist())
        assert [len(call) for call in decoder.taken()] == [2, 2]
    assert turns == 3 * [[0, 1, 2, 3], [0, 4, 5, 6]] + [[0, 1, 2, 3]]


def test_of_two_companies_each_takes_its_share_of_the_time() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 9.0, now=lambda: decoder.time)
    first, second = list(moving(7))[:2]
    decoding.advance(first)
    assert [len(call) for call in decoder.taken()] == [2, 2, 2, 1]
    decoding.advance(second, share=0.5)
    assert [len(call) for call in decoder.taken()] == [2, 2]


def test_the_turns_of_a_show_are_taken_again_whatever_time_there_is() -> None:
    decoder = Decoder()
    live = Decoding(decoder, (3, 2), 255, budget=lambda: 4.5, now=lambda: decoder.time)
    again = Decoding(decoder, (3, 2), 255, budget=lambda: math.inf, now=lambda: decoder.time)
    for latents in [*list(moving(7))[:7], *list(moving(3))[:2], *list(moving(9))[:4]]:
        live.advance(latents)
        shown = decoder.taken()
        again.advance(latents, live.fresh)
        assert sorted(chain.from_iterable(decoder.taken())) == sorted(chain.from_iterable(shown))
        assert (again.images == live.images).all() and (again.fresh == live.fresh).all()


def test_some_beside_the_leader_are_decoded_however_slow_the_machine_is() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 0.001, now=lambda: decoder.time)
    for latents in list(moving(5))[:4]:
        decoding.advance(latents)
        assert decoding.fresh.sum() == AT_ONCE


def test_until_its_turn_an_image_stays_as_it_was_and_one_never_decoded_is_blank() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 0.5, now=lambda: decoder.time)
    decoding.advance(company(1, 2, 3, 4, 5))
    assert decoding.images[:, 0, 0].tolist() == [1, 2, 255, 255, 255]
    decoding.advance(company(11, 12, 13, 14, 15))
    assert decoding.images[:, 0, 0].tolist() == [11, 2, 13, 255, 255]


def test_what_has_not_changed_costs_nothing_and_counts_as_fresh() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255)
    decoding.advance(company(1, 2))
    decoder.taken()
    decoding.advance(company(1, 2))
    assert decoder.taken() == []
    assert decoding.fresh.all()


def test_who_dances_as_the_leader_does_shares_its_image() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 0.5, now=lambda: decoder.time)
    decoding.advance(company(*[5.0] * 64))
    assert decoder.taken() == [[5]]
    assert (decoding.images == 5).all()
    assert decoding.fresh.all()


def test_images_handed_out_stay_as_they_were() -> None:
    decoding = Decoding(Decoder(), (3, 2), 255)
    decoding.advance(company(1, 2))
    before = decoding.images
    decoding.advance(company(3, 4))
    assert before[:, 0, 0].tolist() == [1, 2]


def test_who_joins_is_first_in_turn_and_who_left_is_forgotten() -> None:
    decoder = Decoder()
    decoding = Decoding(decoder, (3, 2), 255, budget=lambda: 0.5, now=lambda: decoder.time)
    frames = moving(6)
    for _ in range(5):
        decoding.advance(next(frames)[:5])
    decoding.advance(next(frames))
    assert decoding.fresh[[0, 5]].all()
    assert decoding.fresh.sum() == AT_ONCE
    decoding.advance(next(frames)[:1])
    assert decoding.images.shape == (1, 2, 3)
