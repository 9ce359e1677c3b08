"""Advice is given where the figures call for it, and nowhere else."""

import pytest

from training.advice import advise

WELL = {"freeze": (0.01, 0.01), "jitter": (0.02, 0.01), "diversity": (9.0, 10.0), "blur": (0.2, 0.1)}


def rows(losses: list[float], held_out: list[float]) -> list[dict]:
    return [{"loss": loss, "held_out_loss": held} for loss, held in zip(losses, held_out, strict=True)]


def test_a_dancer_that_comes_out_well_needs_none() -> None:
    histories = {"mdn_rnn": rows([5, 4, 3, 2, 2], [5, 4, 3, 3.5, 3.2])}
    assert advise(histories, ["vae", "mdn_rnn", "decoder"], WELL) == []


def test_learning_by_heart_is_seen_after_three_evaluations_that_were_no_better() -> None:
    overfits = rows([5, 4, 3, 2, 1], [5, 4, 4.1, 4.3, 4.6])
    (line,) = advise({"mdn_rnn": overfits}, [], {})
    assert line.startswith("LSTM-MDN: learns the footage by heart")
    assert "the best weights so far are kept" in line
    assert advise({"mdn_rnn": overfits[:4]}, [], {}) == []
    # A training loss that does not fall either is no learning by heart.
    assert advise({"mdn_rnn": rows([5, 4, 4.2, 4.3, 4.1], [5, 4, 4.1, 4.3, 4.6])}, [], {}) == []
    vae = [{"reconstruction": 9.0 - i, "held_out_reconstruction": 5.0 + i} for i in range(5)]
    (line,) = advise({"vae": vae}, [], {})
    assert line.startswith("VAE: learns the footage by heart")
    assert "kept" not in line


def test_a_loss_that_was_lowest_at_the_end_had_too_little_time() -> None:
    falling = rows([5, 4, 3, 2], [5, 4, 3, 2])
    (line,) = advise({"mdn_rnn": falling}, ["vae", "mdn_rnn"], {})
    assert "its time was too short" in line
    assert "--minutes" in line
    assert advise({"mdn_rnn": falling}, ["vae"], {}) == []  # it still has some


@pytest.mark.parametrize(
    ("figure", "values", "told"),
    [
        ("freeze", (0.25, 0.01), "It freezes 25% of the time"),
        ("jitter", (0.5, 0.01), "It jitters 50% of the time"),
        ("diversity", (4.0, 10.0), "0.4 times as diverse as the footage"),
        ("blur", (0.8, 0.2), "Its outlines are 4.0 times as soft as the footage's"),
    ],
)
def test_how_it_moves_is_judged_beside_the_footage(figure: str, values: tuple[float, float], told: str) -> None:
    (line,) = advise({}, ["vae", "mdn_rnn", "decoder"], WELL | {figure: values})
    assert told in line


def test_outlines_are_not_judged_before_the_decoder_has_learnt_to_show_them() -> None:
    assert advise({}, ["vae", "mdn_rnn"], WELL | {"blur": (0.8, 0.2)}) == []
