"""How large the picture is drawn: chosen by what a chain takes, and only ever less while it is on."""

import pytest

from engine.quality import FORGOTTEN, LOOKED_AT, OVER, STEPS, UNSETTLED, Quality, picture_share

WINDOW = 1280, 720


def test_a_chain_within_the_budget_is_drawn_at_the_windows_size() -> None:
    quality = Quality(0.020)
    quality.begin(("ink",), lambda share: 0.015 * share**2)
    assert (quality.share, quality.size(WINDOW)) == (1.0, WINDOW)


@pytest.mark.parametrize(("whole", "share"), [(0.020, 1.0), (0.0201, 0.75), (0.036, 0.5), (0.081, 0.375), (9.0, 0.25)])
def test_a_chain_over_the_budget_is_drawn_at_the_largest_size_that_fits(whole: float, share: float) -> None:
    quality = Quality(0.020)
    quality.begin("chain", lambda at: whole * at**2)
    assert quality.share == share


@pytest.mark.parametrize(
    ("renderer", "share"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", 0.35),
        ("Google SwiftShader", 0.35),
        ("Microsoft Basic Render Driver", 0.35),
        ("NVIDIA GeForce RTX 4070/PCIe/SSE2", 0.55),
        ("Mesa Intel(R) UHD Graphics 620", 0.55),
    ],
)
def test_where_the_processor_draws_the_picture_leaves_it_to_what_begins_beside(renderer: str, share: float) -> None:
    assert picture_share(renderer) == share


def test_what_does_not_shrink_with_the_picture_is_counted_in() -> None:
    quality = Quality(0.020)
    quality.begin("chain", lambda share: 0.012 + 0.016 * share**2)
    assert quality.share == 0.5  # 12 + 16 / 4 ms


def test_what_is_taken_beside_the_picture_leaves_it_less_and_a_quarter_at_least() -> None:
    taken = [0.0]
    quality = Quality(0.020, beside=lambda: taken[0])
    for beside, share in ((0.0, 1.0), (0.008, 0.75), (1.0, 0.5)):  # leaves 20, 12 and 5 ms
        taken[0] = beside
        quality.begin(beside, lambda at: 0.016 * at**2)
        assert quality.share == share
    taken[0] = 0.0
    quality.begin("another", lambda share: 0.0)
    assert not any(quality.drawn(0.012) for _ in range(50))
    taken[0] = 0.010  # a corner is moved while the chain is on
    assert any(quality.drawn(0.012) for _ in range(OVER))


def test_where_frames_come_late_a_picture_that_takes_half_its_budget_goes_down() -> None:
    late = [False]
    quality = Quality(0.020, late=lambda: late[0])
    quality.begin("chain", lambda share: 0.0)
    assert not any(quality.drawn(0.011) for _ in range(50))
    late[0] = True
    assert not any(quality.drawn(0.009) for _ in range(50))  # it is not the picture
    assert [quality.drawn(0.011) for _ in range(OVER)] == [False] * (OVER - 1) + [True]
    assert quality.share == 0.75


def test_the_size_goes_down_for_slow_frames_and_not_for_one() -> None:
    quality = Quality(0.020)
    quality.begin("chain", lambda share: 0.0)
    for _ in range(50):
        assert not quality.drawn(0.5)
        assert not any(quality.drawn(0.01) for _ in range(LOOKED_AT))
    assert quality.share == 1.0
    assert [quality.drawn(0.03) for _ in range(OVER)] == [False] * (OVER - 1) + [True]
    assert quality.share == 0.75


def test_it_never_pumps_within_a_chain() -> None:
    quality = Quality(0.020)
    quality.begin("chain", lambda share: 0.0)
    shares = []
    for frame in range(600):
        quality.drawn(0.05 if frame % 120 < 30 else 0.001)
        shares.append(quality.share)
    assert shares == sorted(shares, reverse=True)
    assert set(shares) <= set(STEPS)


def test_what_a_chain_came_down_to_is_remembered_and_another_chain_begins_anew() -> None:
    quality = Quality(0.020)
    quality.begin("slow", lambda share: 0.0)
    for _ in range(UNSETTLED + OVER):
        quality.drawn(0.07)
    assert quality.share == 0.5
    quality.begin("fast", lambda share: 0.001)
    assert quality.share == 1.0
    quality.begin("slow", lambda share: 0.0)
    assert quality.share == 0.5


def test_what_a_chain_came_down_to_is_forgotten_after_an_hour() -> None:
    time = [0.0]
    quality = Quality(0.020, now=lambda: time[0])
    quality.begin("slow", lambda share: 0.0)
    for _ in range(UNSETTLED + OVER):
        quality.drawn(0.07)
    for time[0], share in ((FORGOTTEN - 1, 0.5), (FORGOTTEN + 1, 1.0)):
        quality.begin("slow", lambda share: 0.0)
        assert quality.share == share


def test_the_first_frames_of_a_chain_which_make_its_textures_do_not_count() -> None:
    quality = Quality(0.020)
    quality.begin("chain", lambda share: 0.0)
    assert [quality.drawn(0.05) for _ in range(UNSETTLED + OVER)] == [False] * (UNSETTLED + OVER - 1) + [True]


def test_a_chain_that_is_not_new_to_the_scene_is_drawn_no_larger() -> None:
    quality = Quality(0.020)
    quality.begin("both", lambda share: 0.07 * share**2)
    assert quality.share == 0.5
    quality.begin("one", lambda share: 0.0, new=False)
    assert quality.share == 0.5
    quality.begin("three", lambda share: 0.3 * share**2, new=False)
    assert quality.share == 0.25
    quality.begin("one", lambda share: 0.0)
    assert quality.share == 1.0


def test_a_fixed_share_stays() -> None:
    quality = Quality(0.020, 0.6)
    quality.begin("chain", lambda share: 9.0)
    assert not any(quality.drawn(9.0) for _ in range(100))
    assert quality.size((1001, 3)) == (601, 2)
    assert Quality(0.020, 0.1).size((4, 4)) == (1, 1)  # never nothing
